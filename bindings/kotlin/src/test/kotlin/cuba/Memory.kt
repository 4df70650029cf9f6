package cuba

import cuba.ffi.AddPackRequest
import cuba.ffi.BatchRequest
import cuba.ffi.Config
import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.file.Files

/** What 200 sentences cost a JVM: `MemoryKt STARTER` prints megabytes (10^6) of resident memory as one line. Linux only. */
fun main(arguments: Array<String>) = runBlocking {
    val before = peak()
    val home = Files.createTempDirectory("cuba-memory").toFile()
    Cuba.open(Config(home.path)).use { cuba ->
        cuba.packs.add(AddPackRequest(File(arguments[0], "en-es").path))
        val opened = peak()
        val lines = List(200) { "Good morning, the train number $it leaves at noon." }
        val done = cuba.translate.batch(BatchRequest(lines, to = "es", from = "en"))
        check(done.lines.size == 200 && done.lines.all { it.text.isNotEmpty() })
        println("JVM: $before MB at the start, $opened MB with a pack added, ${peak()} MB at most")
    }
    home.deleteRecursively()
    Unit
}

/** The kernel's own high-water mark. */
private fun peak(): Long = File("/proc/self/status").readLines().first { it.startsWith("VmHWM") }.filter(Char::isDigit).toLong() * 1024 / 1_000_000
