package cuba

import cuba.ffi.BatchRequest
import cuba.ffi.BatchView
import cuba.ffi.DetectionView
import cuba.ffi.Direction
import cuba.ffi.LanguageView
import cuba.ffi.RouteView
import cuba.ffi.Stage
import cuba.ffi.Translate
import cuba.ffi.TranslateRequest
import cuba.ffi.TranslationListener
import cuba.ffi.TranslationState
import cuba.ffi.TranslationView
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.channelFlow

/** Told how far a translation is: the present state first, then at most ten times a second, on a thread of its own. */
typealias OnTranslation = (TranslationState) -> Unit

private fun OnTranslation.asListener(): TranslationListener = object : TranslationListener {
    override fun onState(state: TranslationState) = this@asListener(state)
}

/** Translation. */
val Cuba.translate: Translation
    get() = part(Translation::class.java) { Translation(it.translate()) }

/** Translation with whatever packs are installed. From [Cuba.translate]. */
class Translation internal constructor(private val inner: Translate) : AutoCloseable {
    /** [Cuba.close] does this. */
    override fun close() = inner.close()

    /** The languages that installed packs read or write, by code. */
    suspend fun languages(): List<LanguageView> = io { inner.languages() }

    /** The directions that installed packs translate without a language between. */
    suspend fun directions(): List<Direction> = io { inner.directions() }

    /** The way from one language to the other. Throws `CubaException.NoPackFor` where there is none. */
    suspend fun route(from: String, to: String): RouteView = io { inner.route(from, to) }

    /** Which of [among] the text is in (any language, if empty); [likely] are the user's usual ones, best first. */
    suspend fun detect(
        text: String,
        among: List<String> = emptyList(),
        likely: List<String> = emptyList(),
    ): DetectionView = io { inner.detect(text, among, likely) }

    /**
     * Translates a text. Cancelling the coroutine ends the work between two words. [onState] sees it grow by whole sentences, on a
     * thread of its own; a last state may come after the result.
     */
    suspend fun text(request: TranslateRequest, onState: OnTranslation? = null): TranslationView =
        awaited({ inner.translate(request, onState?.asListener()) }) { it.result() }

    /**
     * Translates a text and shows it growing: the first state at once, whole sentences after, at most ten states a second,
     * the last with an end stage. A slow collector skips states. Ending the collection cancels the work; what goes wrong
     * is thrown into the flow.
     */
    fun stream(request: TranslateRequest): Flow<TranslationState> = channelFlow {
        val end = CompletableDeferred<Stage>()
        val listener = object : TranslationListener {
            override fun onState(state: TranslationState) {
                trySend(state)
                if (state.stage.isEnd) end.complete(state.stage)
            }
        }
        io { inner.translate(request, listener) }.use { task ->
            if (end.await() == Stage.FAILED) task.result()
        }
    }.buffer(Channel.CONFLATED)

    /** Translates lines in their order; an empty line stays empty. */
    suspend fun batch(request: BatchRequest, onProgress: OnProgress? = null): BatchView =
        awaited({ inner.batch(request, onProgress?.asListener()) }) { it.result() }

    /** Loads what a pair needs, so that the first sentence comes sooner. */
    suspend fun prepare(from: String, to: String) {
        awaited({ inner.prepare(from, to) }) { it.result() }
    }

    /** Bytes of memory that loaded engines hold, mapped weights included. */
    fun memory(): ULong = inner.memory()

    /** Gives that memory back: call it from `onTrimMemory`. */
    suspend fun unload() = io { inner.unload() }

    /** Speaks with the voice that the app brought. */
    suspend fun speak(text: String, language: String) = io { inner.speak(text, language) }

    /** Falls silent. */
    suspend fun hush() = io { inner.hush() }
}

/** No state follows this one. */
val Stage.isEnd: Boolean
    get() = when (this) {
        Stage.WAITING, Stage.WORKING -> false
        Stage.FINISHED, Stage.CANCELLED, Stage.FAILED -> true
    }
