package cuba.screen

import cuba.Advice
import cuba.LibraryMismatchException
import cuba.advice
import cuba.ffi.AddPackRequest
import cuba.ffi.CubaException
import cuba.ffi.TranslateRequest
import cuba.ffi.TranslationState
import cuba.ffi.TranslationView
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/**
 * Translate as you type, without a screen: plain Kotlin, so that one test runs it on a desktop and a phone shows it.
 *
 * Call it from one thread, the one that [scope] runs on; [state] may be read from any. A change of the text waits [pause] for the
 * next one and gives up the translation before; a change of language does not wait.
 *
 * @param open opens the core; called once, and again by [retry] where it failed
 * @param starter packs (folders or files) to install where there is none at all
 * @param likely the user's own languages, best first: the first one decides what to translate to at the start
 */
class TranslateModel(
    private val scope: CoroutineScope,
    private val starter: List<String> = emptyList(),
    private val likely: List<String> = emptyList(),
    private val pause: Duration = PAUSE,
    private val open: suspend () -> Core,
) {
    private val states = MutableStateFlow(TranslateState())
    private var core: Core? = null
    private var translating: Job? = null
    private var adding: Job? = null

    /** What to show. */
    val state: StateFlow<TranslateState> = states.asStateFlow()

    init {
        scope.launch { start() }
    }

    private suspend fun start() = guarded(onFail = { states.update { it.copy(packs = NOTHING) } }) {
        val opened = core ?: open().also { core = it }
        states.update { it.copy(languages = opened.languages()) }
        if (opened.packs().packs.isEmpty()) starter.forEach { install(opened, AddPackRequest(it)) }
        look(opened)
        chooseDirection()
        translate(Duration.ZERO)
    }

    /** The text as it is now. */
    fun type(text: String) {
        if (text == states.value.text) return
        states.update { it.copy(text = text) }
        translate(pause)
    }

    /** The language of the text; `null`: find it. Where it was the other side's, that side takes this one's. */
    fun chooseFrom(code: String?) {
        states.update { now ->
            val to = if (code == null || code != now.to) now.to else now.source?.takeIf { it != code } ?: other(code)
            now.copy(from = code, to = to)
        }
        translate(Duration.ZERO)
    }

    /** The language to translate to; as with [chooseFrom] the sides change places where it was the other's. */
    fun chooseTo(code: String) {
        states.update { now ->
            if (code == now.from) now.copy(from = now.to, to = code) else now.copy(to = code)
        }
        translate(Duration.ZERO)
    }

    /** Turns the direction round; what was translated becomes the text. */
    fun swap() {
        states.update { now ->
            val source = now.source ?: other(now.to)
            val text = now.result?.takeIf { it.trust != null && !now.working }?.text ?: now.text
            now.copy(from = now.to, to = source, text = text, result = null)
        }
        translate(Duration.ZERO)
    }

    /** Adds a pack from a file or folder. */
    fun addPack(path: String, acceptTerms: Boolean = false) {
        if (adding?.isActive == true) return
        adding = scope.launch {
            guarded(path) {
                val core = core ?: open().also { core = it }
                install(core, AddPackRequest(path, acceptTerms = acceptTerms))
                look(core)
                states.update { it.copy(problem = null) }
                translate(Duration.ZERO)
            }
        }
    }

    /** Ends adding a pack. Nothing of it stays behind. */
    fun cancelAdding() {
        adding?.cancel()
    }

    /** Puts a problem away that is not about the text: terms not accepted, a file that was no pack. */
    fun dismiss() {
        states.update { it.copy(problem = null) }
        translate(Duration.ZERO)
    }

    /** Tries again what failed. */
    fun retry() {
        states.update { it.copy(problem = null) }
        if (core == null || states.value.packs == NOTHING) scope.launch { start() } else translate(Duration.ZERO)
    }

    private suspend fun install(core: Core, request: AddPackRequest) {
        states.update { it.copy(adding = Adding()) }
        try {
            core.add(request) { progress ->
                // Only while it is added: the listener runs on a thread of its own and may come late.
                states.update { if (it.adding == null) it else it.copy(adding = Adding(progress.done, progress.total)) }
            }
        } finally {
            states.update { it.copy(adding = null) }
        }
    }

    /** Looks what is installed. */
    private suspend fun look(core: Core) {
        val packs = core.packs()
        val used = packs.packs.filter { it.inUse && it.directions.isNotEmpty() }
        val installed = Packs.Installed(core.directions(), used.fold(0uL) { sum, pack -> sum + pack.bytes }, packs.damaged.size)
        states.update { it.copy(packs = installed) }
    }

    /** At the start: from the user's own language to the first that a pack offers; where it offers none, to what there is. */
    private fun chooseDirection() = states.update { now ->
        val directions = (now.packs as? Packs.Installed)?.directions.orEmpty()
        val own = likely.firstNotNullOfOrNull { code -> directions.find { it.from == code } }
        now.copy(to = (own ?: directions.find { it.to == now.to } ?: directions.firstOrNull())?.to ?: now.to)
    }

    /** A language to translate to beside this one. */
    private fun other(code: String): String {
        val installed = (states.value.packs as? Packs.Installed)?.directions.orEmpty()
        return installed.firstOrNull { it.from == code }?.to
            ?: likely.firstOrNull { it != code }
            ?: if (code == "en") "es" else "en"
    }

    private fun translate(wait: Duration) {
        translating?.cancel()
        val core = core
        val now = states.value
        if (now.text.isBlank()) {
            states.update { it.copy(working = false, result = null, problem = it.problem?.takeIf(::standsAlone)) }
            return
        }
        if (core == null || now.problem?.let(::standsAlone) == true) return
        states.update { it.copy(working = true) }
        translating = scope.launch {
            delay(wait)
            guarded { show(core.translate(request(), grow(coroutineContext[Job]))) }
        }
    }

    private fun request(): TranslateRequest = states.value.let {
        TranslateRequest(it.text, to = it.to, from = it.from, likely = (likely + listOfNotNull(it.result?.from)).distinct())
    }

    /** Shows a long text while it grows. A short one stays as it was until the new one is whole: less flicker. */
    private fun grow(job: Job?): (TranslationState) -> Unit = { state ->
        if (state.total > 1u && state.text.isNotEmpty()) {
            states.update {
                val current = job?.isActive == true && it.working
                if (current) it.copy(result = Result(state.text, state.from, it.to), problem = null) else it
            }
        }
    }

    private fun show(done: TranslationView) = states.update {
        val trust = Trust(done.confidence, done.doubts, done.segments, done.via)
        it.copy(result = Result(done.text, done.from, done.to, trust), working = false, problem = null)
    }

    /** Turns what is thrown into something the user can act on. */
    private suspend fun guarded(path: String? = null, onFail: () -> Unit = {}, work: suspend () -> Unit) {
        try {
            work()
        } catch (e: CancellationException) {
            throw e
        } catch (e: CubaException) {
            onFail()
            fail(problem(e, path))
        } catch (_: LibraryMismatchException) {
            onFail()
            fail(Problem.UpdateApp)
        }
    }

    private fun fail(problem: Problem?) = states.update {
        // A problem with a pack leaves the translation alone.
        if (problem == null || standsAlone(problem)) it.copy(working = false, problem = problem)
        else it.copy(working = false, problem = problem, result = null)
    }

    private fun problem(e: CubaException, path: String?): Problem? = when (e.advice) {
        Advice.NOTHING -> null
        Advice.GET_PACK -> (e as? CubaException.NoPackFor).let { Problem.NoPack(it?.from, it?.to ?: states.value.to) }
        // Whichever it is: where no pack writes the target, the answer would not help.
        Advice.ASK_LANGUAGE -> if (states.value.run { packs is Packs.Installed && packs.directions.none { it.to == to } }) {
            Problem.NoPack(null, states.value.to)
        } else {
            Problem.WhichLanguage((e as? CubaException.LanguageUnclear)?.candidates.orEmpty())
        }
        Advice.SHOW_TERMS -> (e as? CubaException.TermsNotAccepted).let {
            Problem.Terms(path.orEmpty(), it?.title.orEmpty(), it?.text, it?.url)
        }
        // A chosen file that cannot be read as a pack and a damaged pack are the same to the core, not to the user.
        Advice.REPLACE -> if (path == null) Problem.Damaged else Problem.NotAPack
        Advice.FREE_SPACE -> Problem.NoSpace((e as? CubaException.NoSpace)?.missing)
        Advice.FREE_MEMORY -> Problem.NoMemory
        Advice.TRY_AGAIN -> Problem.Busy
        Advice.CHOOSE_PLACE -> Problem.NotWritable
        Advice.UPDATE_APP -> Problem.UpdateApp
        Advice.CORRECT -> if (path == null) Problem.Failed(e.message.orEmpty()) else Problem.NotAPack
        Advice.ASK_SECRET, Advice.REPORT -> Problem.Failed(e.message.orEmpty())
    }

    companion object {
        /** Long enough that typing on does not translate half words, short enough to feel at once. */
        val PAUSE: Duration = 300.milliseconds

        private val NOTHING = Packs.Installed(emptyList(), 0u, 0)

        private val CubaException.NoSpace.missing: ULong? get() = if (needed > free) needed - free else null

        /** Problems about a pack or the app itself: they stay until somebody acts, whatever is typed. */
        private fun standsAlone(problem: Problem): Boolean = when (problem) {
            is Problem.Terms, Problem.NotAPack, is Problem.NoSpace, Problem.NotWritable, Problem.UpdateApp -> true
            else -> false
        }
    }
}
