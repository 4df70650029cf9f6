package cuba.screen

import cuba.OnProgress
import cuba.OnTranslation
import cuba.ffi.AddPackRequest
import cuba.ffi.Confidence
import cuba.ffi.CubaException
import cuba.ffi.Direction
import cuba.ffi.LanguageView
import cuba.ffi.PackView
import cuba.ffi.PacksView
import cuba.ffi.ProgressState
import cuba.ffi.Stage
import cuba.ffi.TermsView
import cuba.ffi.TranslateRequest
import cuba.ffi.TranslationState
import cuba.ffi.TranslationView
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.delay
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.currentTime
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/**
 * When the model asks the core, and what it makes of the answers, by a clock of the test's own. What the core really says is tested
 * with the real one, in [TranslateScreenTest].
 */
@OptIn(ExperimentalCoroutinesApi::class)
class TranslateModelTest {
    /** Writes down what it is asked and when, and takes as long as it is told. */
    private class SlowCore(private val now: () -> Long) : Core {
        val asked = mutableListOf<Pair<Long, TranslateRequest>>()
        val given = mutableListOf<String>()
        val cancelled = mutableListOf<String>()
        var takes: Duration = 50.milliseconds
        var fails: CubaException? = null
        var packs = listOf(pack("en-es", "en", "es"), pack("es-en", "es", "en"))
        var failsToAdd: CubaException? = null
        var addsForEver = false
        var grows: List<TranslationState> = emptyList()
        var lastListener: OnTranslation? = null

        override suspend fun languages() = listOf(LanguageView("en", "English", "English", false), LanguageView("es", "Español", "Spanish", false))
        override suspend fun directions() = packs.flatMap { it.directions }
        override suspend fun packs() = PacksView(packs, emptyList(), true)
        override suspend fun add(request: AddPackRequest, onProgress: OnProgress): PackView {
            if (!request.acceptTerms) failsToAdd?.let { throw it }
            onProgress(ProgressState(Stage.WORKING, 1u, 4u))
            if (addsForEver) awaitCancellation()
            return pack("en-es", "en", "es").also { packs = packs + it }
        }

        override suspend fun translate(request: TranslateRequest, onState: OnTranslation): TranslationView {
            asked += now() to request
            lastListener = onState
            try {
                grows.forEach(onState)
                delay(takes)
            } catch (e: CancellationException) {
                cancelled += request.text
                throw e
            }
            fails?.let { throw it }
            given += request.text
            return view(request)
        }

        fun view(request: TranslateRequest) = TranslationView(
            "<${request.text}>", request.from ?: "en", request.to, null, "nmt", Confidence.HIGH, emptyList(), emptyList(), true,
        )
    }

    private fun test(prepare: SlowCore.() -> Unit = {}, likely: List<String> = emptyList(), body: suspend TestScope.(SlowCore, TranslateModel) -> Unit) =
        runTest {
            val core = SlowCore { currentTime }.apply(prepare)
            val model = TranslateModel(backgroundScope, likely = likely) { core }
            runCurrent()
            body(core, model)
        }

    private fun TestScope.pass(ms: Long) {
        advanceTimeBy(ms)
        runCurrent()
    }

    @Test
    fun itWaitsForAPauseInTyping() = test { core, model ->
        "Good morning.".indices.forEach { end ->
            model.type("Good morning.".take(end + 1))
            pass(120)
        }
        assertEquals(emptyList<Any>(), core.asked)
        assertTrue(model.state.value.working)
        val last = currentTime - 120
        pass(500)
        assertEquals(listOf(last + 300 to "Good morning."), core.asked.map { it.first to it.second.text })
        assertEquals("<Good morning.>", model.state.value.result?.text)
        assertFalse(model.state.value.working)
    }

    @Test
    fun aChangeOfTextGivesUpTheTranslationBefore() = test({ takes = 2000.milliseconds }) { core, model ->
        model.type("one")
        pass(400)
        model.type("one two")
        runCurrent()
        assertEquals(listOf("one"), core.cancelled)
        pass(5000)
        assertEquals(listOf("one two"), core.given)
        assertEquals("<one two>", model.state.value.result?.text)
    }

    @Test
    fun theSameTextIsNotTranslatedTwice() = test { core, model ->
        model.type("one")
        pass(1000)
        model.type("one")
        pass(1000)
        assertEquals(1, core.asked.size)
    }

    @Test
    fun anEmptyTextAsksNothingAndShowsNothing() = test { core, model ->
        model.type("one")
        pass(1000)
        model.type("  \n ")
        pass(1000)
        assertEquals(1, core.asked.size)
        assertNull(model.state.value.result)
        assertFalse(model.state.value.working)
    }

    @Test
    fun theResultBeforeStaysUntilTheNextIsThere() = test { _, model ->
        model.type("one")
        pass(1000)
        model.type("one two")
        pass(310)
        assertEquals("<one>" to true, model.state.value.run { result?.text to working })
        pass(1000)
        assertEquals("<one two>" to false, model.state.value.run { result?.text to working })
    }

    @Test
    fun aLongTextIsShownGrowingAndALateStateChangesNothing() = test({
        takes = 1000.milliseconds
        grows = listOf(TranslationState(Stage.WORKING, "<first>", "en", 1u, 3u))
    }) { core, model ->
        model.type("first. second. third.")
        pass(400)
        assertEquals(Result("<first>", "en", "es"), model.state.value.result)
        pass(2000)
        val done = model.state.value
        core.lastListener!!(TranslationState(Stage.WORKING, "<first> <late>", "en", 2u, 3u))
        assertEquals(done, model.state.value)
    }

    @Test
    fun aChoiceOfLanguageDoesNotWait() = test { core, model ->
        model.type("one")
        pass(1000)
        val at = currentTime
        model.chooseTo("en")
        runCurrent()
        assertEquals(at to "en", core.asked.last().let { it.first to it.second.to })
    }

    @Test
    fun swappingTurnsTheTextRound() = test { core, model ->
        model.type("one")
        pass(1000)
        model.swap()
        pass(1000)
        assertEquals(Triple("es", "en", "<one>"), core.asked.last().second.run { Triple(from, to, text) })
        assertEquals("<<one>>", model.state.value.result?.text)
    }

    @Test
    fun whatIsStillWrittenIsNotSwappedIntoTheText() = test { _, model ->
        model.type("one")
        pass(1000)
        model.type("one two")
        model.swap()
        assertEquals("one two", model.state.value.text)
    }

    @Test
    fun theSameLanguageOnBothSidesChangesThemRound() = test { _, model ->
        model.chooseFrom("en")
        model.chooseTo("en")
        assertEquals("es" to "en", model.state.value.run { from to to })
        model.chooseFrom("en")
        assertEquals("en" to "es", model.state.value.run { from to to })
        model.chooseFrom(null)
        assertNull(model.state.value.from)
    }

    @Test
    fun theUsersOwnLanguageDecidesTheStart() {
        test(likely = listOf("es")) { core, model ->
            assertEquals("en", model.state.value.to)
            model.type("x")
            pass(1000)
            assertEquals(listOf("es"), core.asked.single().second.likely)
        }
        test(likely = listOf("ar", "en")) { _, model -> assertEquals("es", model.state.value.to) }
        test({ packs = listOf(pack("de-fr", "de", "fr")) }) { _, model -> assertEquals("fr", model.state.value.to) }
    }

    @Test
    fun everyErrorIsSomethingTheUserCanActOn() {
        val cases = mapOf(
            CubaException.NoPackFor("en", "fr", "r") to Problem.NoPack("en", "fr"),
            CubaException.LanguageUnclear(listOf("en", "es"), "r") to Problem.WhichLanguage(listOf("en", "es")),
            CubaException.Damaged("r") to Problem.Damaged,
            CubaException.NoMemory("r") to Problem.NoMemory,
            CubaException.Busy("r") to Problem.Busy,
            CubaException.TooNew("r") to Problem.UpdateApp,
            CubaException.NotWritable("r") to Problem.NotWritable,
        )
        for ((error, problem) in cases) test({ fails = error }) { core, model ->
            model.type("one")
            pass(1000)
            assertEquals(problem, model.state.value.problem)
            assertFalse(model.state.value.working)
            core.fails = null
            model.retry()
            pass(1000)
            assertEquals(null to "<one>", model.state.value.run { this.problem to result?.text })
        }
    }

    @Test
    fun theLanguageIsNotAskedForWhereNoAnswerWouldHelp() = test({ fails = CubaException.LanguageUnclear(listOf("en"), "r") }) { _, model ->
        model.chooseTo("fr")
        model.type("total")
        pass(1000)
        assertEquals(Problem.NoPack(null, "fr"), model.state.value.problem)
    }

    @Test
    fun aProblemWithTheTextGoesWhenTheTextChanges() = test({ fails = CubaException.LanguageUnclear(emptyList(), "r") }) { core, model ->
        model.type("total")
        pass(1000)
        core.fails = null
        model.type("total cost of the house")
        pass(1000)
        assertNull(model.state.value.problem)
    }

    @Test
    fun addingAPackShowsItsProgressAndCanBeGivenUp() = test({ addsForEver = true }) { core, model ->
        model.addPack("x.cubapack")
        runCurrent()
        assertEquals(0.25f, model.state.value.adding?.share)
        model.cancelAdding()
        runCurrent()
        assertNull(model.state.value.adding)
        assertEquals(2, core.packs.size)
        assertNull(model.state.value.problem)
    }

    @Test
    fun termsAreShownBeforeAPackIsAdded() = test({ failsToAdd = CubaException.TermsNotAccepted("Terms", null, "Be kind.", "r") }) { core, model ->
        model.addPack("x.gguf")
        runCurrent()
        assertEquals(Problem.Terms("x.gguf", "Terms", "Be kind.", null), model.state.value.problem)
        model.type("typing does not put them away")
        pass(1000)
        assertTrue(model.state.value.problem is Problem.Terms)
        model.addPack("x.gguf", acceptTerms = true)
        pass(1000)
        assertEquals(3, core.packs.size)
        assertNull(model.state.value.problem)
    }

    @Test
    fun aPackThatCannotBeAddedLeavesTheTranslationAlone() {
        val cases = mapOf(
            CubaException.Damaged("r") to Problem.NotAPack,
            CubaException.BadInput("r") to Problem.NotAPack,
            CubaException.NoSpace(30_000_000u, 10_000_000u, "r") to Problem.NoSpace(20_000_000u),
            CubaException.NoSpace(0u, 0u, "r") to Problem.NoSpace(null),
        )
        for ((error, problem) in cases) test({ failsToAdd = error }) { _, model ->
            model.type("one")
            pass(1000)
            model.addPack("x.cubapack")
            runCurrent()
            assertEquals(problem to "<one>", model.state.value.run { this.problem to result?.text })
            model.dismiss()
            pass(1000)
            assertEquals(null to "<one>", model.state.value.run { this.problem to result?.text })
        }
    }

    @Test
    fun aCoreThatDoesNotOpenCanBeTriedAgain() = runTest {
        val core = SlowCore { currentTime }
        var locked = true
        val model = TranslateModel(backgroundScope) { if (locked) throw CubaException.NotWritable("r") else core }
        model.type("one")
        runCurrent()
        assertEquals(Problem.NotWritable, model.state.value.problem)
        locked = false
        model.retry()
        pass(1000)
        assertEquals(null to "<one>", model.state.value.run { problem to result?.text })
    }

    private companion object {
        fun pack(id: String, from: String, to: String) =
            PackView(id, "1", "nmt", id, listOf(Direction(from, to)), 10_000_000u, 30_000_000u, TermsView("t", null, null, false), true)
    }
}
