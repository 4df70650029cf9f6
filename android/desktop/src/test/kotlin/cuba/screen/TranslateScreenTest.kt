package cuba.screen

import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.requiredSize
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assert
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createComposeRule
import androidx.compose.ui.test.onAllNodesWithTag
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollTo
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.unit.Density
import androidx.compose.ui.unit.dp
import cuba.ffi.Confidence
import cuba.packs
import cuba.screen.words.Arabic
import cuba.screen.words.English
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import java.io.File

/** The screen against the real core and the packs in the repository. */
class TranslateScreenTest {
    @get:Rule
    val rule = createComposeRule()
    private val copied = mutableListOf<String>()
    private var asked = 0

    private fun show(model: TranslateModel = RealCore.model(), strings: Strings = English, size: Pair<Int, Int> = 360 to 720, font: Float = 1f) {
        rule.setContent { Sized(size, font) { CubaTheme(false, strings) { TranslateScreen(model, copied::add) { asked++ } } } }
        until { model.state.value.packs is Packs.Installed }
    }

    @Composable
    private fun Sized(size: Pair<Int, Int>, font: Float, content: @Composable () -> Unit) =
        CompositionLocalProvider(LocalDensity provides Density(1f, font)) {
            Box(Modifier.requiredSize(size.first.dp, size.second.dp).testTag("phone")) { content() }
        }

    /** The core works on threads of its own: waited for by what the screen shows, at most this long. */
    private fun until(condition: () -> Boolean) = rule.waitUntil(30_000, condition)

    private fun TranslateModel.settled(text: String) = until { state.value.run { this.text == text && !working && (result != null || problem != null) } }

    @Test
    fun typingTranslates() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("Good morning.")
        model.settled("Good morning.")
        rule.onNodeWithTag("result").assert(hasText(SPANISH))
        rule.onNodeWithTag("from").assert(hasContentDescription("Translate from: English, found"))
        rule.onNodeWithTag("to").assert(hasContentDescription("Translate to: Español"))
        rule.onNodeWithTag("result").assert(
            SemanticsMatcher.expectValue(SemanticsProperties.LiveRegion, LiveRegionMode.Polite),
        )
    }

    @Test
    fun swapTranslatesBack() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("Good morning.")
        model.settled("Good morning.")
        rule.onNodeWithContentDescription(English.swap).performClick()
        model.settled(SPANISH)
        rule.onNodeWithTag("text").assert(hasText(SPANISH))
        rule.onNodeWithTag("result").assert(hasText(RealCore.says(SPANISH, "es", "en")))
        assertEquals("es" to "en", model.state.value.run { from to to })
    }

    @Test
    fun theTranslationIsCopiedWholeAndTheButtonSaysSo() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("Good morning.")
        model.settled("Good morning.")
        rule.onNodeWithText(English.copy).performScrollTo().performClick()
        assertEquals(listOf(SPANISH), copied)
        rule.onNodeWithText(English.copied).assertIsDisplayed()
    }

    @Test
    fun clearEmptiesBothSides() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("Good morning.")
        model.settled("Good morning.")
        rule.onNodeWithContentDescription(English.clear).performClick()
        rule.waitForIdle()
        assertEquals("" to null, model.state.value.run { text to result })
        assertEquals(0, rule.onAllNodesWithTag("result").fetchSemanticsNodes().size)
    }

    @Test
    fun whatIsDoubtfulSaysSoAndWhy() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput(DOUBTFUL)
        model.settled(DOUBTFUL)
        assertEquals(Confidence.LOW, model.state.value.result?.trust?.confidence)
        rule.onNodeWithText(English.low).performScrollTo().assertIsDisplayed()
        rule.onNodeWithText(English.lowMore).performScrollTo().assertIsDisplayed()
        val why = English.doubt(model.state.value.result!!.trust!!.doubts.first())
        rule.onNodeWithText(why).performScrollTo().assertIsDisplayed()
        rule.onNodeWithText(English.low).performClick()
        rule.onNodeWithText(English.lowMore).assertDoesNotExist()
    }

    @Test
    fun aLanguageWithoutAPackSaysHowToGetOne() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("Good morning. How are you?")
        rule.onNodeWithTag("to").performClick()
        rule.onNodeWithTag("search").performTextInput("german")
        rule.onNodeWithText("Deutsch").performClick()
        model.settled("Good morning. How are you?")
        rule.onNodeWithText("There is no pack from English to Deutsch yet").performScrollTo().assertIsDisplayed()
        rule.onNodeWithText(English.packHow).assertExists()
        assertEquals(0, rule.onAllNodesWithTag("result").fetchSemanticsNodes().size)
    }

    @Test
    fun anUnclearLanguageIsAskedFor() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("total")
        model.settled("total")
        rule.onNodeWithText(English.whichTitle).performScrollTo().assertIsDisplayed()
        rule.onNodeWithText("English").performClick()
        until { model.state.value.result?.trust != null }
        assertEquals("en" to null, model.state.value.run { from to problem })
    }

    @Test
    fun aNewHomeTakesTheStarterPacksAndTranslates() {
        val cuba = RealCore.empty()
        val model = RealCore.model(cuba, RealCore.starter)
        show(model)
        until { (model.state.value.packs as Packs.Installed).directions.size == 4 }
        rule.onNodeWithTag("packs").assertExists()
        rule.onNodeWithTag("text").performTextInput("Buenos días.")
        rule.onNodeWithTag("to").performClick()
        rule.onNodeWithText("English").performClick()
        model.settled("Buenos días.")
        rule.onNodeWithTag("result").assert(hasText(RealCore.says("Buenos días.", "es", "en")))
        cuba.close()
    }

    @Test
    fun withNothingInstalledTheScreenSaysHowToBeginAndAFriendsPackHelps() {
        val cuba = RealCore.empty()
        val model = RealCore.model(cuba)
        show(model)
        rule.onNodeWithText(English.noPacksTitle).assertExists()
        rule.onNodeWithText(English.addPack).performScrollTo().performClick()
        assertEquals(1, asked)
        val gift = File.createTempFile("gift", ".cubapack").apply { deleteOnExit() }
        runBlocking { RealCore.withPacks.packs.export("en-es", gift.path) }
        model.addPack(gift.path)
        until { (model.state.value.packs as Packs.Installed).directions.size == 1 }
        rule.onNodeWithText("English → Español", substring = true).performScrollTo().assertIsDisplayed()
        cuba.close()
    }

    @Test
    fun aBrokenPackIsRefusedInWordsAndNothingIsLost() {
        val model = RealCore.model()
        show(model)
        rule.onNodeWithTag("text").performTextInput("Good morning.")
        model.settled("Good morning.")
        val broken = File.createTempFile("broken", ".cubapack").apply { deleteOnExit() }
        broken.writeText("PK\u0003\u0004 not much of a zip")
        model.addPack(broken.path)
        until { model.state.value.problem == Problem.NotAPack }
        rule.onNodeWithText(English.notAPack.help).performScrollTo().assertIsDisplayed()
        rule.onNodeWithText(English.understood).performScrollTo().performClick()
        rule.onNodeWithTag("result").assert(hasText(SPANISH))
    }

    @Test
    fun typingOnKeepsUpWithTheLastText() {
        val model = RealCore.model()
        show(model)
        listOf("Good", "Good morning", "Good morning, my friend.", "Good night.").forEach { rule.onNodeWithTag("text").performTextReplacement(it) }
        model.settled("Good night.")
        assertEquals(RealCore.says("Good night."), model.state.value.result?.text)
    }

    @Test
    fun everythingCanBeTouchedAndFitsASmallPhoneWithLargeText() {
        val model = RealCore.model()
        var strings by mutableStateOf(English)
        rule.setContent { Sized(320 to 640, 2f) { CubaTheme(true, strings) { TranslateScreen(model, {}) {} } } }
        until { model.state.value.packs is Packs.Installed }
        rule.onNodeWithTag("text").performTextInput(DOUBTFUL)
        model.settled(DOUBTFUL)
        for (each in Strings.all) {
            strings = each
            rule.waitForIdle()
            val phone = rule.onNodeWithTag("phone").fetchSemanticsNode()
            val nodes = rule.onAllNodes(CLICKABLE).fetchSemanticsNodes()
            assertTrue("${nodes.size}", nodes.size >= 7)
            for (node in nodes) {
                val about = "${each.code}: ${node.config} ${node.size}"
                assertTrue(about, node.size.width >= 48 && node.size.height >= 48)
                assertTrue(about, node.positionInRoot.x >= phone.positionInRoot.x)
                assertTrue(about, node.positionInRoot.x + node.size.width <= phone.positionInRoot.x + phone.size.width)
            }
        }
    }

    @Test
    fun everyPictureButtonHasAName() {
        show(size = 320 to 640, font = 2f)
        rule.onNodeWithTag("text").performTextInput("Good")
        for (node in rule.onAllNodes(CLICKABLE).fetchSemanticsNodes()) {
            val named = node.config.getOrNull(SemanticsProperties.Text).orEmpty().isNotEmpty() ||
                node.config.getOrNull(SemanticsProperties.ContentDescription).orEmpty().isNotEmpty()
            assertTrue("${node.config}", named)
        }
    }

    @Test
    fun arabicRunsFromTheRight() {
        show(strings = Arabic)
        val from = rule.onNodeWithTag("from").fetchSemanticsNode().positionInRoot.x
        val to = rule.onNodeWithTag("to").fetchSemanticsNode().positionInRoot.x
        assertTrue("$from $to", from > to)
        rule.onNodeWithText(Arabic.title).assertIsDisplayed()
        assertNotEquals(English.title, Arabic.title)
    }

    private companion object {
        /** What the core says to a program; the screen has to show the same. */
        val SPANISH = RealCore.says("Good morning.").also { check(it.isNotBlank() && it != "Good morning.") }
        const val DOUBTFUL = "The defibrillator's capacitor must not exceed 3.75 joules."
        val CLICKABLE = SemanticsMatcher.keyIsDefined(SemanticsActions.OnClick)
    }
}
