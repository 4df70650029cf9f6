package cuba

import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.ByteArrayOutputStream
import java.io.PrintStream

/** Runs the examples as people will. */
class ExamplesTest : Scenario() {
    private fun output(run: suspend () -> Unit): String {
        val (before, caught) = System.out to ByteArrayOutputStream()
        System.setOut(PrintStream(caught))
        try {
            scenario { run() }
        } finally {
            System.setOut(before)
        }
        return caught.toString()
    }

    @Test
    fun translate() {
        val said = output { translateExample(path("home"), model().path) }
        assertTrue(said, said.contains("nmt:en-es") && said.contains("GET_PACK"))
    }

    @Test
    fun health() {
        val said = output { healthExample(path("home")) }
        assertTrue(said, said.contains("30 new samples") && said.contains("2026-11-02: 62"))
    }
}
