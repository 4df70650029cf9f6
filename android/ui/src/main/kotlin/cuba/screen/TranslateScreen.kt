package cuba.screen

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ColumnScope
import androidx.compose.foundation.layout.IntrinsicSize
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.LocalContentColor
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextRange
import androidx.compose.ui.text.input.TextFieldValue
import androidx.compose.ui.unit.dp

/**
 * Translate as you type.
 *
 * Made for 320 dp and twice the usual size of text; from 720 dp on the two texts stand side by side. Puts no text into logs.
 *
 * @param onCopy puts a text on the clipboard
 * @param onAddPack asks the user for a pack file; the app hands its path to [TranslateModel.addPack]
 */
@Composable
fun TranslateScreen(model: TranslateModel, onCopy: (String) -> Unit, onAddPack: () -> Unit) {
    val state by model.state.collectAsState()
    BoxWithConstraints(Modifier.fillMaxSize().safeDrawingPadding(), Alignment.TopCenter) {
        val wide = maxWidth >= 720.dp
        Column(
            Modifier.widthIn(max = 1120.dp).verticalScroll(rememberScrollState()).padding(16.dp),
            Arrangement.spacedBy(12.dp),
        ) {
            Header()
            LanguageBar(state, model)
            if (wide) {
                Row(Modifier.height(IntrinsicSize.Min), Arrangement.spacedBy(12.dp)) {
                    Input(state, model, Modifier.weight(1f).fillMaxHeight())
                    Column(Modifier.weight(1f), Arrangement.spacedBy(12.dp)) { Answer(state, model, onCopy, onAddPack) }
                }
            } else {
                Input(state, model)
                Answer(state, model, onCopy, onAddPack)
            }
            PackLine(state, model, onAddPack)
        }
    }
}

@Composable
private fun Header() {
    val s = LocalStrings.current
    Column(Modifier.padding(start = 4.dp, end = 4.dp, top = 4.dp), Arrangement.spacedBy(2.dp)) {
        Text(s.title, Modifier.semantics { heading() }, style = MaterialTheme.typography.headlineSmall)
        Row(verticalAlignment = Alignment.CenterVertically, horizontalArrangement = Arrangement.spacedBy(6.dp)) {
            val muted = MaterialTheme.colorScheme.onSurfaceVariant
            Icon(Icons.Lock, null, Modifier.sign().padding(2.dp), muted)
            Text(s.onDevice, color = muted, style = MaterialTheme.typography.bodyMedium)
        }
    }
}

@Composable
private fun ColumnScope.Answer(state: TranslateState, model: TranslateModel, onCopy: (String) -> Unit, onAddPack: () -> Unit) {
    state.problem?.let { ProblemCard(it, state, model, onAddPack) }
    if (state.result != null || (state.working && state.problem == null)) ResultCard(state, model, onCopy)
}

/** A calm sheet that things stand on. */
@Composable
internal fun Card(
    modifier: Modifier = Modifier,
    colour: Color = MaterialTheme.colorScheme.surface,
    content: Color = LocalContentColor.current,
    border: Boolean = false,
    inside: @Composable () -> Unit,
) = Surface(
    modifier.fillMaxWidth(),
    MaterialTheme.shapes.large,
    colour,
    content,
    border = if (border) BorderStroke(1.dp, MaterialTheme.colorScheme.outlineVariant) else null,
    content = inside,
)

@Composable
private fun Input(state: TranslateState, model: TranslateModel, modifier: Modifier = Modifier) {
    val s = LocalStrings.current
    var field by remember { mutableStateOf(TextFieldValue(state.text)) }
    // The field is ahead of the collected state while one types: only a text that the model itself changed is taken over.
    LaunchedEffect(state.text) {
        val now = model.state.value.text
        if (now != field.text) field = TextFieldValue(now, TextRange(now.length))
    }
    val style = MaterialTheme.typography.titleLarge.copy(color = MaterialTheme.colorScheme.onSurface)
    Card(modifier, border = true) {
        Row {
            BasicTextField(
                field,
                {
                    field = it
                    model.type(it.text)
                },
                Modifier.weight(1f).heightIn(min = 120.dp).testTag("text").semantics { contentDescription = s.textLabel },
                textStyle = style,
                maxLines = 12,
                cursorBrush = SolidColor(MaterialTheme.colorScheme.primary),
                decorationBox = { inner ->
                    Box(Modifier.padding(start = 20.dp, end = 8.dp, top = 18.dp, bottom = 18.dp)) {
                        if (field.text.isEmpty()) Text(s.hint, style = style.copy(color = MaterialTheme.colorScheme.onSurfaceVariant))
                        inner()
                    }
                },
            )
            if (field.text.isNotEmpty()) {
                IconButton({ model.type("") }, Modifier.padding(6.dp).size(48.dp)) { Icon(Icons.Close, s.clear) }
            }
        }
    }
}
