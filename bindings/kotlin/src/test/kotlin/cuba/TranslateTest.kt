package cuba

import cuba.ffi.BatchRequest
import cuba.ffi.CubaException
import cuba.ffi.ProgressState
import cuba.ffi.Stage
import cuba.ffi.TranslateRequest
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.concurrent.CopyOnWriteArrayList

class TranslateTest : Scenario() {
    @Test
    fun textIsTranslatedAndTheLanguageFound() = scenario {
        val translate = withModel().translate
        val given = translate.text(english("Where is the nearest hospital?"))
        assertEquals("en" to "nmt:en-es", given.from to given.engine)
        assertTrue(given.complete)
        assertEquals(given.text, translate.text(TranslateRequest("Where is the nearest hospital?", to = "es")).text)
        assertEquals(listOf("English", "Español"), translate.languages().map { it.ownName })
        assertEquals("es", translate.detect("¿Dónde está la farmacia?", listOf("en", "es")).language)
        assertTrue(translate.memory() > 0u)
    }

    @Test
    fun whatCannotBeTranslatedSaysWhatAScreenNeeds() = scenario {
        val translate = withModel().translate
        val missing = assertThrows<CubaException.NoPackFor> {
            translate.text(TranslateRequest("Good morning.", to = "fr", from = "en"))
        }
        assertEquals("en" to "fr", missing.from to missing.to)
        assertEquals(Advice.GET_PACK, missing.advice)
        assertThrows<CubaException.LanguageUnclear> { translate.text(TranslateRequest("total", to = "es")) }
        assertThrows<CubaException.BadInput> { translate.text(TranslateRequest("Good morning.", to = "Spanish!")) }
    }

    @Test
    fun aBatchKeepsItsLines() = scenario {
        val states = CopyOnWriteArrayList<ProgressState>()
        val lines = listOf("Good morning.", "", "Good night.", "Good morning.")
        val done = withModel().translate.batch(BatchRequest(lines, to = "es", from = "en")) { states += it }
        assertEquals(4, done.lines.size)
        assertEquals("", done.lines[1].text)
        assertEquals(done.lines[0], done.lines[3])
        while (states.lastOrNull()?.stage != Stage.FINISHED) delay(5)
        assertEquals(4UL, states.last().total)
    }

    @Test
    fun aStreamGrowsByWholeSentences() = scenario {
        val translate = withModel().translate
        val states = translate.stream(english(LONG.take(12_000))).toList()
        states.zipWithNext { before, after -> assertTrue(after.text.startsWith(before.text)) }
        assertEquals(Stage.FINISHED, states.last().stage)
        assertEquals(states.last().total, states.last().done)
        assertThrows<CubaException.NoPackFor> {
            translate.stream(TranslateRequest("Good morning.", to = "fr", from = "en")).toList()
        }
    }

    @Test
    fun endingACollectionOrACoroutineCancels() = scenario {
        val translate = withModel().translate
        val first = translate.stream(english(LONG)).first { it.done > 0u }
        assertTrue(first.done < 3000u)
        assertNull(withTimeoutOrNull(200) { translate.text(english(LONG)) })
        // The lane is free again: both long texts were given up.
        assertTrue(translate.text(english("Good morning.")).complete)
    }

    @Test
    fun theCallersThreadStaysFree() = scenario {
        val translate = withModel().translate
        var ticks = 0
        val clock = launch { while (true) { delay(10); ticks++ } }
        translate.text(english(LONG.take(12_000)))
        clock.cancel()
        assertTrue("$ticks ticks", ticks > 3)
    }
}
