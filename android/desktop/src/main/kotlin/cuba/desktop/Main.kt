package cuba.desktop

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.runtime.remember
import androidx.compose.ui.unit.DpSize
import androidx.compose.ui.unit.dp
import androidx.compose.ui.window.Window
import androidx.compose.ui.window.WindowState
import androidx.compose.ui.window.application
import cuba.Cuba
import cuba.ffi.Config
import cuba.screen.CubaCore
import cuba.screen.CubaTheme
import cuba.screen.Strings
import cuba.screen.TranslateModel
import cuba.screen.TranslateScreen
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import java.awt.FileDialog
import java.awt.Frame
import java.awt.Toolkit
import java.awt.datatransfer.StringSelection
import java.io.File
import java.util.Locale

/**
 * The screen in a window: `main [HOME] [STARTER]`. HOME is where packs live, `~/.local/share/cuba-desktop` by default; STARTER a folder
 * with packs (`models/starter`) to install where there is none.
 */
fun main(arguments: Array<String>) {
    val home = arguments.getOrNull(0) ?: File(System.getProperty("user.home"), ".local/share/cuba-desktop").path
    val starter = arguments.getOrNull(1)?.let(::File)?.listFiles().orEmpty().filter(File::isDirectory).map(File::getPath).sorted()
    val language = Locale.getDefault().toLanguageTag()
    var cuba: Cuba? = null
    val model = TranslateModel(CoroutineScope(SupervisorJob() + Dispatchers.Main), starter, listOf(Locale.getDefault().language)) {
        CubaCore(Cuba.open(Config(home)).also { cuba = it })
    }
    application {
        Window({
            cuba?.close()
            exitApplication()
        }, WindowState(size = DpSize(420.dp, 760.dp)), title = "Cuba") {
            val strings = remember { Strings.of(listOf(language)) }
            CubaTheme(isSystemInDarkTheme(), strings) {
                TranslateScreen(model, ::copy) { choosePack(window)?.let(model::addPack) }
            }
        }
    }
}

private fun copy(text: String) = Toolkit.getDefaultToolkit().systemClipboard.setContents(StringSelection(text), null)

private fun choosePack(window: Frame): String? = FileDialog(window, "", FileDialog.LOAD).run {
    setFilenameFilter { _, name -> name.endsWith(".cubapack") }
    isVisible = true
    files.firstOrNull()?.path
}
