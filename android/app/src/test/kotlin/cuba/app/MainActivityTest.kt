package cuba.app

import android.content.ClipboardManager
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Canvas
import androidx.compose.ui.test.assert
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextInput
import androidx.lifecycle.ViewModelProvider
import cuba.ffi.TranslateRequest
import cuba.screen.Packs
import cuba.screen.TranslateModel
import cuba.translate
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowLooper
import java.io.File
import java.util.concurrent.TimeUnit

/** The app on Android's own framework (Robolectric, API 35) with real Jetpack Compose and the real core of this machine. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w360dp-h720dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class MainActivityTest {
    @get:Rule
    val rule = createAndroidComposeRule<MainActivity>()

    private val model: TranslateModel get() = ViewModelProvider(rule.activity)[MainViewModel::class.java].model

    private fun said(text: String): String = runBlocking {
        (rule.activity.application as CubaApplication).open().translate.text(TranslateRequest(text, "es", "en")).text
    }

    /** The core works on threads of its own; Robolectric's clock only goes on when it is told to. */
    private fun until(condition: () -> Boolean) = rule.waitUntil(60_000) {
        ShadowLooper.idleMainLooper(20, TimeUnit.MILLISECONDS)
        condition()
    }

    private fun packsAreThere() = until { (model.state.value.packs as? Packs.Installed)?.directions?.size == 4 }

    private fun translated() = until { model.state.value.run { result?.trust != null && !working } }

    @Test
    fun theFirstStartInstallsTheStarterPacksAndTypingTranslates() {
        packsAreThere()
        rule.onNodeWithTag("text").performTextInput(QUESTION)
        translated()
        rule.onNodeWithTag("result").assert(hasText(said(QUESTION)))
        rule.onNodeWithTag("copy").performScrollTo().performClick()
        val clipboard = rule.activity.getSystemService(ClipboardManager::class.java)
        assertEquals(said(QUESTION), clipboard?.primaryClip?.getItemAt(0)?.text)
        rule.waitForIdle()
        System.getProperty("cuba.pictures")?.let { picture(File(it, "android.png")) }
    }

    @Test
    fun aSelectedTextOfAnotherAppIsTaken() {
        packsAreThere()
        val intent = Intent(Intent.ACTION_PROCESS_TEXT).setType("text/plain").putExtra(Intent.EXTRA_PROCESS_TEXT, QUESTION)
        val controller = Robolectric.buildActivity(MainActivity::class.java, intent).setup()
        val taken = ViewModelProvider(controller.get())[MainViewModel::class.java].model.state.value.text
        assertEquals(QUESTION, taken)
        val found = rule.activity.packageManager.queryIntentActivities(Intent(Intent.ACTION_PROCESS_TEXT).setType("text/plain"), 0)
        assertEquals(listOf(MainActivity::class.java.name), found.map { it.activityInfo.name })
    }

    @Test
    @Config(qualifiers = "+ar-ldrtl-night")
    fun arabicAtNightRunsFromTheRight() {
        packsAreThere()
        rule.onNodeWithText("ترجمة").assertExists()
        val from = rule.onNodeWithTag("from").fetchSemanticsNode().positionInRoot.x
        val to = rule.onNodeWithTag("to").fetchSemanticsNode().positionInRoot.x
        assertTrue("$from $to", from > to)
    }

    @Test
    fun aTurnOfThePhoneKeepsTheTextAndTheTranslation() {
        packsAreThere()
        rule.onNodeWithTag("text").performTextInput(QUESTION)
        translated()
        rule.activityRule.scenario.recreate()
        rule.onNodeWithTag("text").assert(hasText(QUESTION))
        rule.onNodeWithTag("result").assert(hasText(said(QUESTION)))
    }

    private fun picture(file: File) {
        val view = rule.activity.window.decorView
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private companion object {
        const val QUESTION = "Where is the nearest hospital? My daughter has a fever."
    }
}
