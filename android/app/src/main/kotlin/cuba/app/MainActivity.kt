package cuba.app

import android.content.ClipData
import android.content.ClipboardManager
import android.content.Intent
import android.content.res.Resources
import android.net.Uri
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.contract.ActivityResultContracts
import androidx.activity.viewModels
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.lifecycle.ViewModel
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.viewModelScope
import androidx.lifecycle.viewmodel.initializer
import androidx.lifecycle.viewmodel.viewModelFactory
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
import java.util.Locale

/** Keeps the shared model over a turn of the phone. */
class MainViewModel(app: CubaApplication) : ViewModel() {
    val model = TranslateModel(viewModelScope, app.starter.map(File::getPath), app.resources.languages.map { it.language }.distinct()) {
        CubaCore(app.open())
    }
}

/** The user's languages, best first. */
private val Resources.languages: List<Locale> get() = configuration.locales.let { list -> List(list.size()) { list[it] } }

/** The one screen; also what "Translate" opens for a selected or shared text. */
class MainActivity : ComponentActivity() {
    // Made here, not found by its name: the shrinker has nothing to be told.
    private val main: MainViewModel by viewModels {
        viewModelFactory { initializer { MainViewModel(application as CubaApplication) } }
    }

    // Any type: a pack file has none that the system knows.
    private val choosePack = registerForActivityResult(ActivityResultContracts.OpenDocument()) { uri -> uri?.let(::addPack) }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        if (savedInstanceState == null) take(intent)
        val strings = Strings.of(resources.languages.map { it.toLanguageTag() })
        setContent {
            CubaTheme(isSystemInDarkTheme(), strings) {
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
