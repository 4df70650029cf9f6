package cuba.screen

import cuba.Cuba
import cuba.OnProgress
import cuba.OnTranslation
import cuba.ffi.AddPackRequest
import cuba.ffi.Direction
import cuba.ffi.LanguageView
import cuba.ffi.PackView
import cuba.ffi.PacksView
import cuba.ffi.TranslateRequest
import cuba.ffi.TranslationView
import cuba.ffi.knownLanguages
import cuba.packs
import cuba.translate

/** What the screen needs of Cuba. Narrow, so that its timing can be tested with a clock of the test's own. */
interface Core {
    /** Every language with a name. */
    suspend fun languages(): List<LanguageView>

    /** The directions that installed packs translate. */
    suspend fun directions(): List<Direction>

    /** What is installed. */
    suspend fun packs(): PacksView

    /** Installs a pack. Cancelling leaves nothing behind. */
    suspend fun add(request: AddPackRequest, onProgress: OnProgress): PackView

    /** Translates. Cancelling ends the work. */
    suspend fun translate(request: TranslateRequest, onState: OnTranslation): TranslationView
}

/** The real one. */
class CubaCore(private val cuba: Cuba) : Core {
    override suspend fun languages(): List<LanguageView> {
        val known = knownLanguages()
        val codes = known.map { it.code }.toSet()
        return known + cuba.translate.languages().filter { it.code !in codes }
    }

    override suspend fun directions(): List<Direction> = cuba.translate.directions()

    override suspend fun packs(): PacksView = cuba.packs.list()

    override suspend fun add(request: AddPackRequest, onProgress: OnProgress): PackView = cuba.packs.add(request, onProgress)

    override suspend fun translate(request: TranslateRequest, onState: OnTranslation): TranslationView =
        cuba.translate.text(request, onState)
}
