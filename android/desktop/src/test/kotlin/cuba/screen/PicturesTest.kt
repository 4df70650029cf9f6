package cuba.screen

import androidx.compose.runtime.Composable
import androidx.compose.ui.ImageComposeScene
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.input.pointer.PointerEventType
import androidx.compose.ui.unit.Density
import cuba.screen.words.Arabic
import cuba.screen.words.English
import cuba.screen.words.Spanish
import org.jetbrains.skia.EncodedImageFormat
import org.jetbrains.skia.Image
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

/** Writes the pictures of docs/screens.md, each of what the real core said in this run. */
class PicturesTest {
    private val folder = File(System.getProperty("cuba.pictures")).apply { mkdirs() }

    private fun picture(
        name: String,
        text: String = "",
        strings: Strings = English,
        dark: Boolean = false,
        font: Float = 1f,
        width: Int = 360,
        height: Int = 720,
        model: TranslateModel = RealCore.model(),
        tap: Offset? = null,
        open: TranslateModel.() -> Unit = {},
        ready: (TranslateState) -> Boolean = { it.text == text && !it.working && (text.isEmpty() || it.result != null || it.problem != null) },
    ) {
        wait(model) { it.packs is Packs.Installed }
        model.open()
        if (text.isNotEmpty()) model.type(text)
        wait(model, ready)
        val image = draw(width, height, font, tap) { CubaTheme(dark, strings) { TranslateScreen(model, {}) {} } }
        File(folder, "$name.png").writeBytes(image.encodeToData(EncodedImageFormat.PNG)!!.bytes)
        assertTrue("$name shows next to nothing", colours(image) > 20)
    }

    private fun wait(model: TranslateModel, condition: (TranslateState) -> Boolean) {
        val end = System.nanoTime() + 30_000_000_000
        while (!condition(model.state.value)) {
            check(System.nanoTime() < end) { "the core did not answer: ${model.state.value.problem}" }
            Thread.sleep(10)
        }
    }

    private fun draw(width: Int, height: Int, font: Float, tap: Offset?, content: @Composable () -> Unit): Image =
        ImageComposeScene((width * SCALE).toInt(), (height * SCALE).toInt(), Density(SCALE, font), content = content).run {
            try {
                render()
                if (tap != null) {
                    sendPointerEvent(PointerEventType.Press, tap * SCALE)
                    sendPointerEvent(PointerEventType.Release, tap * SCALE)
                }
                // What moves comes to rest.
                (1..6L).map { render(it * 500_000_000) }.last()
            } finally {
                close()
            }
        }

    private fun colours(image: Image): Int {
        val bitmap = org.jetbrains.skia.Bitmap.makeFromImage(image)
        return (0 until bitmap.height step 2).flatMap { y -> (0 until bitmap.width step 2).map { x -> bitmap.getColor(x, y) } }.toSet().size
    }

    @Test
    fun light() = picture("light", HOSPITAL)

    @Test
    fun dark() = picture("dark", HOSPITAL, dark = true)

    @Test
    fun rightToLeft() = picture("rtl", HOSPITAL, Arabic)

    @Test
    fun largeText() = picture("font-2", "Good morning.", font = 2f, width = 320, height = 1010)

    @Test
    fun doubt() = picture("doubt", "The defibrillator's capacitor must not exceed 3.75 joules.", Spanish)

    @Test
    fun noPack() = picture("no-pack", "Good morning. How are you?", open = { chooseTo("de") })

    @Test
    fun languages() = picture("languages", tap = Offset(260f, 110f))

    @Test
    fun firstRun() = picture("nothing-installed", model = RealCore.model(RealCore.empty()), strings = Arabic, dark = true)

    @Test
    fun desktop() = picture("desktop", HOSPITAL, width = 900, height = 430)

    private companion object {
        const val SCALE = 1.5f
        const val HOSPITAL = "Where is the nearest hospital? My daughter has a fever."
    }
}
