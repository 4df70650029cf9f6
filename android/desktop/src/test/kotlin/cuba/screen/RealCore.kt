package cuba.screen

import cuba.Cuba
import cuba.ffi.AddPackRequest
import cuba.ffi.Config
import cuba.ffi.TranslateRequest
import cuba.packs
import cuba.translate
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.runBlocking
import java.io.File
import java.nio.file.Files

/** The real core with the packs of `models/starter`: what users have. */
object RealCore {
    val starter: List<String> =
        File(System.getProperty("cuba.starter")).listFiles().orEmpty().filter(File::isDirectory).map(File::getPath).sorted()

    /** Open for all tests of a run, with the packs installed. */
    val withPacks: Cuba by lazy {
        runBlocking { empty().also { cuba -> starter.forEach { cuba.packs.add(AddPackRequest(it)) } } }
    }

    /** What the core gives without a screen. */
    fun says(text: String, from: String = "en", to: String = "es"): String =
        runBlocking { withPacks.translate.text(TranslateRequest(text, to, from)).text }

    /** A new home with nothing in it. */
    fun empty(): Cuba = runBlocking {
        val home = Files.createTempDirectory("cuba-screen").toFile()
        Runtime.getRuntime().addShutdownHook(Thread { home.deleteRecursively() })
        Cuba.open(Config(home.path))
    }

    fun model(cuba: Cuba = withPacks, starter: List<String> = emptyList(), likely: List<String> = listOf("en", "es")): TranslateModel =
        TranslateModel(CoroutineScope(SupervisorJob() + Dispatchers.Main), starter, likely) { CubaCore(cuba) }
}
