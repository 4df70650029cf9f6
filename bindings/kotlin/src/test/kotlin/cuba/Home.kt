package cuba

import cuba.ffi.AddPackRequest
import cuba.ffi.Config
import cuba.ffi.Direction
import cuba.ffi.Platform
import cuba.ffi.TranslateRequest
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import org.junit.Assert.fail
import org.junit.After
import org.junit.Rule
import org.junit.rules.TemporaryFolder
import java.io.File

const val MORNING = 1_793_606_400_000L // 2026-11-02 08:00 UTC
const val MINUTE = 60_000L
val LONG = (0 until 3000).joinToString("") { "Good morning, number $it is here. " }

/** A home of its own for each test. */
abstract class Scenario {
    @get:Rule
    val folder = TemporaryFolder()
    private val opened = mutableListOf<Cuba>()

    fun path(name: String): String = File(folder.root, name).path

    suspend fun open(home: String = "home", passphrase: String? = null, platform: Platform = Platform()): Cuba =
        Cuba.open(Config(home = path(home), passphrase = passphrase), platform).also { opened += it }

    suspend fun withModel(): Cuba = open().also { it.packs.add(model()) }

    fun model(): AddPackRequest {
        val target = File(folder.root, "enes").apply { mkdirs() }
        for (name in listOf("model.enes.intgemm.alphas.bin", "vocab.enes.spm")) {
            File(System.getProperty("cuba.fixtures"), name).copyTo(File(target, name), overwrite = true)
        }
        return AddPackRequest(path = target.path, direction = Direction("en", "es"))
    }

    fun english(text: String) = TranslateRequest(text = text, to = "es", from = "en")

    @After
    fun closeAll() = opened.forEach(Cuba::close)
}

/** A test that suspends; JUnit wants nothing back. */
fun scenario(block: suspend CoroutineScope.() -> Unit) = runBlocking { block() }

suspend inline fun <reified E : Throwable> assertThrows(call: suspend () -> Unit): E {
    try {
        call()
    } catch (e: Throwable) {
        if (e is E) return e
        throw e
    }
    fail("${E::class.simpleName} was expected")
    throw AssertionError()
}
