package cuba

import cuba.ffi.Config
import cuba.ffi.Platform
import cuba.ffi.uniffiEnsureInitialized
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicBoolean

/**
 * Cuba on this device: translation, packs and the health log, wholly offline.
 *
 * Open one for each home directory, off the screen's thread, and [close] it when the app ends. All of it may be used from any
 * thread; suspend functions leave the caller's thread free.
 *
 * ```
 * Cuba.open(Config(home = filesDir.path)).use { cuba ->
 *     println(cuba.translate.text(TranslateRequest("Good morning.", to = "es")).text)
 * }
 * ```
 */
class Cuba private constructor(private val inner: cuba.ffi.Cuba) : AutoCloseable {
    private val closed = AtomicBoolean()

    private val parts = ConcurrentHashMap<Class<*>, AutoCloseable>()

    /** The part of a class, made once. Each part has a file of its own, so that a smaller library leaves its file out. */
    internal fun <T : AutoCloseable> part(type: Class<T>, make: (cuba.ffi.Cuba) -> T): T =
        type.cast(parts.computeIfAbsent(type) { make(inner) })

    /** Cancels what runs and lets the database go. Later calls throw; closing twice does nothing. */
    override fun close() {
        if (closed.compareAndSet(false, true)) {
            inner.shutDown()
            parts.values.forEach(AutoCloseable::close)
            inner.close()
        }
    }

    companion object {
        /**
         * Opens the home directory, making it if need be. Loads no model and opens no database yet.
         *
         * @throws LibraryMismatchException where the native library is missing or of another build
         * @throws cuba.ffi.CubaException where the directory cannot be used
         */
        suspend fun open(config: Config, platform: Platform = Platform()): Cuba = withContext(Dispatchers.IO) {
            ensureLibrary()
            Cuba(cuba.ffi.Cuba.open(config, platform))
        }

        /**
         * Loads the native library and compares it with these classes. [open] does so by itself; an app that would rather
         * know at its start calls it there. Without it a library of another build could end the process without a word.
         *
         * @throws LibraryMismatchException where the library is missing or of another build
         */
        fun ensureLibrary() {
            try {
                uniffiEnsureInitialized()
            } catch (e: LinkageError) {
                // ExceptionInInitializerError, UnsatisfiedLinkError, and NoClassDefFoundError at every later try.
                throw LibraryMismatchException(e)
            }
        }
    }
}

/** The native library is missing, or not the one these classes were generated from. Ship both from one build. */
class LibraryMismatchException(cause: Throwable) :
    IllegalStateException("the native library of Cuba is missing or of another build: ship both from one build", cause)
