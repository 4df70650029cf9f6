package cuba.app

import android.app.Application
import cuba.Cuba
import cuba.ffi.Config
import cuba.packs
import cuba.translate
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import java.io.File

/** The name of a pack file on its way from the system's file chooser to the core. */
internal const val INCOMING = "incoming.cubapack"

/** Holds the core for as long as the process lives: screens come and go, models stay mapped. */
class CubaApplication : Application() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val opening = Mutex()
    private var cuba: Cuba? = null

    /** Where the starter packs are put to be installed; nothing of them stays there. */
    val starter: List<File> get() = STARTER.map { File(cacheDir, "starter/$it") }

    /** The core, opened once; with the starter packs laid ready where no pack is installed. */
    suspend fun open(): Cuba = opening.withLock {
        cuba ?: Cuba.open(Config(home = File(noBackupFilesDir, "cuba").path)).also {
            cuba = it
            // What earlier runs left to be installed.
            File(cacheDir, "starter").deleteRecursively()
            File(cacheDir, INCOMING).delete()
            if (it.packs.list().packs.isEmpty()) layStarterOut()
        }
    }

    private suspend fun layStarterOut() = withContext(Dispatchers.IO) {
        for (folder in starter) {
            folder.mkdirs()
            for (file in assets.list("starter/${folder.name}").orEmpty()) {
                assets.open("starter/${folder.name}/$file").use { from -> File(folder, file).outputStream().use(from::copyTo) }
            }
        }
    }

    /** The system is short of memory: models are mapped again when they are next needed. */
    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        cuba?.let { scope.launch { it.translate.unload() } }
    }

    private companion object {
        val STARTER = listOf("en-es", "es-en", "en-fr", "fr-en")
    }
}
