package cuba

import cuba.ffi.BatchRequest
import cuba.ffi.ProgressListener
import cuba.ffi.ProgressState
import cuba.ffi.Stage
import cuba.ffi.TranslateRequest
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File
import java.lang.ref.WeakReference
import java.lang.reflect.InvocationTargetException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicInteger

/** Listeners that misbehave, Cuba after it was closed, and classes of another build. */
class LifecycleTest : Scenario() {
    private val batch = BatchRequest(List(200) { "Good morning." }, to = "es", from = "en")

    @Test
    fun aListenerThatThrowsIsLeftAloneAndTheWorkGoesOn() = scenario {
        val calls = AtomicInteger()
        val throws: OnProgress = { calls.incrementAndGet(); error("as an app's code might") }
        assertEquals(200, withModel().translate.batch(batch, throws).lines.size)
        delay(250)
        assertEquals(1, calls.get())
    }

    @Test
    fun aSlowListenerHoldsUpNothing() = scenario {
        val gate = CountDownLatch(1)
        assertEquals(200, withModel().translate.batch(batch) { gate.await() }.lines.size)
        assertEquals(1L, gate.count)
        gate.countDown()
    }

    private class Heard : ProgressListener {
        val ends = AtomicInteger()
        val threads: MutableSet<Long> = ConcurrentHashMap.newKeySet()

        override fun onState(state: ProgressState) {
            threads += Thread.currentThread().id
            if (state.stage == Stage.FINISHED) ends.incrementAndGet()
        }
    }

    /** Of a method of its own, so that nothing here holds the listener afterwards. */
    private suspend fun heardByMany(): WeakReference<Heard> = coroutineScope {
        val translate = withModel().translate
        val heard = Heard()
        val small = BatchRequest(listOf("Good morning."), to = "es", from = "en")
        List(16) { async(Dispatchers.Default) { translate.batch(small, heard::onState) } }.awaitAll()
        while (heard.ends.get() < 16) delay(5)
        assertTrue(heard.threads.size > 1)
        WeakReference(heard)
    }

    @Test
    fun oneListenerOfManyTasksIsCalledFromManyThreadsAndLetGo() = scenario {
        val weak = heardByMany()
        withTimeout(60_000) {
            while (weak.get() != null) {
                System.gc()
                delay(20)
            }
        }
    }

    @Test
    fun afterCloseEverythingSaysSo() = scenario {
        val cuba = withModel()
        val (translate, packs) = cuba.translate to cuba.packs
        cuba.close()
        assertThrows<IllegalStateException> { translate.text(TranslateRequest("Hi.", to = "es")) }
        assertThrows<IllegalStateException> { packs.list() }
        assertThrows<IllegalStateException> { cuba.health.present() }
        cuba.close()
        assertEquals(1, open().packs.list().packs.size)
    }

    /** Reads the classes anew and changes one checksum in them, as if they were of another build. */
    private class OtherBuild(private val checksum: Int) : ClassLoader(OtherBuild::class.java.classLoader) {
        var changed = 0

        override fun loadClass(name: String, resolve: Boolean): Class<*> {
            if (!name.startsWith("cuba.")) return super.loadClass(name, resolve)
            findLoadedClass(name)?.let { return it }
            val bytes = parent.getResourceAsStream(name.replace('.', '/') + ".class")!!.use { it.readBytes() }
            if (name.startsWith("cuba.ffi.")) {
                // SIPUSH with a 16-bit number, or an integer of the constant pool.
                val (high, low) = (checksum shr 8).toByte() to checksum.toByte()
                val forms = listOf(byteArrayOf(0x11, high, low), byteArrayOf(3, 0, 0, high, low))
                for (form in forms) {
                    for (i in 0..bytes.size - form.size) {
                        if (form.indices.all { bytes[i + it] == form[it] }) {
                            bytes[i + form.size - 1] = (low + 1).toByte()
                            changed++
                        }
                    }
                }
            }
            return defineClass(name, bytes, 0, bytes.size)
        }
    }

    @Test
    fun classesOfAnotherBuildFailCleanly() {
        val generated = File("src/generated/kotlin/cuba/ffi/cuba_ffi.kt").readText()
        val checksum = Regex("""checksum_method_translate_detect\(\) and 0xFFFF\) != (\d+)""").find(generated)!!.groupValues[1].toInt()
        val loader = OtherBuild(checksum)
        val companion = loader.loadClass("cuba.Cuba").getField("Companion").get(null)
        val error = try {
            companion.javaClass.getMethod("ensureLibrary").invoke(companion)
            null
        } catch (e: InvocationTargetException) {
            e.targetException
        }
        assertTrue("the checksum was found", loader.changed > 0)
        assertEquals("cuba.LibraryMismatchException", error?.javaClass?.name)
    }
}
