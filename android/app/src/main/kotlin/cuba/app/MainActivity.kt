package cuba.app

import android.app.Application
import android.content.ClipData
import android.content.ClipboardManager
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.contract.ActivityResultContracts
import androidx.activity.viewModels
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.lifecycle.AndroidViewModel
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.viewModelScope
import cuba.screen.CubaCore
import cuba.screen.CubaTheme
import cuba.screen.Strings
import cuba.screen.TranslateModel
import cuba.screen.TranslateScreen
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/** Keeps the shared model over a turn of the phone. */
class MainViewModel(application: Application) : AndroidViewModel(application) {
    private val app = application as CubaApplication
    private val languages = app.resources.configuration.locales.let { list -> List(list.size()) { list[it] } }

    val strings: Strings = Strings.of(languages.map { it.toLanguageTag() })

    val model = TranslateModel(viewModelScope, app.starter.map(File::getPath), languages.map { it.language }.distinct()) {
        CubaCore(app.open())
    }
}

/** The one screen; also what "Translate" opens for a selected or shared text. */
class MainActivity : ComponentActivity() {
    private val main: MainViewModel by viewModels()

    // Any type: a pack file has none that the system knows.
    private val choosePack = registerForActivityResult(ActivityResultContracts.OpenDocument()) { uri -> uri?.let(::addPack) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        if (savedInstanceState == null) take(intent)
        setContent {
            CubaTheme(isSystemInDarkTheme(), main.strings) {
                TranslateScreen(main.model, ::copy) { choosePack.launch(arrayOf("*/*")) }
            }
        }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        take(intent)
    }

    private fun take(intent: Intent) {
        val given = intent.getCharSequenceExtra(Intent.EXTRA_PROCESS_TEXT) ?: intent.getCharSequenceExtra(Intent.EXTRA_TEXT)
        if (!given.isNullOrBlank()) main.model.type(given.toString())
    }

    private fun copy(text: String) = getSystemService(ClipboardManager::class.java)?.setPrimaryClip(ClipData.newPlainText(null, text))

    /** The core reads files, the system gives streams. What could not be read whole is refused by the core in words. */
    private fun addPack(uri: Uri) {
        val file = File(cacheDir, INCOMING)
        lifecycleScope.launch {
            withContext(Dispatchers.IO) {
                file.delete()
                try {
                    contentResolver.openInputStream(uri)?.use { from -> file.outputStream().use(from::copyTo) }
                } catch (_: IOException) {
                } catch (_: SecurityException) {
                }
            }
            main.model.addPack(file.path)
        }
    }
}
