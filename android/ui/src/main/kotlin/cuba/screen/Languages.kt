package cuba.screen

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.IntrinsicSize
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.LazyListScope
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.selection.selectable
import androidx.compose.foundation.text.BasicTextField
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.role
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import androidx.compose.ui.window.Dialog
import androidx.compose.ui.window.DialogProperties
import cuba.ffi.LanguageView

/** A language's name in itself; its code where it has none. */
internal fun TranslateState.name(code: String): String = language(code)?.ownName ?: code

private enum class Side { FROM, TO }

/** From, round, to. Stands upright where names would not fit side by side. */
@Composable
internal fun LanguageBar(state: TranslateState, model: TranslateModel) {
    val s = LocalStrings.current
    var choosing by remember { mutableStateOf<Side?>(null) }
    val found = state.result?.from?.takeIf { state.from == null }
    val from = (state.from ?: found)?.let(state::name) ?: s.findLanguage
    val note = if (found != null) s.found else null
    BoxWithConstraints {
        if (maxWidth / LocalDensity.current.fontScale < 250.dp) {
            Row(verticalAlignment = Alignment.CenterVertically, horizontalArrangement = Arrangement.spacedBy(4.dp)) {
                Column(Modifier.weight(1f), Arrangement.spacedBy(8.dp)) {
                    LanguageButton(s.fromLabel, from, note, "from", Modifier.fillMaxWidth()) { choosing = Side.FROM }
                    LanguageButton(s.toLabel, state.name(state.to), null, "to", Modifier.fillMaxWidth()) { choosing = Side.TO }
                }
                IconButton(model::swap, Modifier.size(48.dp)) { Icon(Icons.SwapVertical, s.swap) }
            }
        } else {
            Row(Modifier.height(IntrinsicSize.Min), Arrangement.spacedBy(4.dp), Alignment.CenterVertically) {
                LanguageButton(s.fromLabel, from, note, "from", Modifier.weight(1f).fillMaxHeight()) { choosing = Side.FROM }
                IconButton(model::swap, Modifier.size(48.dp)) { Icon(Icons.Swap, s.swap) }
                LanguageButton(s.toLabel, state.name(state.to), null, "to", Modifier.weight(1f).fillMaxHeight()) { choosing = Side.TO }
            }
        }
    }
    when (choosing) {
        Side.FROM -> LanguageDialog(s.fromLabel, state, state.from, withFind = true, { choosing = null }, model::chooseFrom)
        Side.TO -> LanguageDialog(s.toLabel, state, state.to, withFind = false, { choosing = null }) { it?.let(model::chooseTo) }
        null -> {}
    }
}

@Composable
private fun LanguageButton(label: String, name: String, note: String?, tag: String, modifier: Modifier, onClick: () -> Unit) = Surface(
    onClick,
    modifier.heightIn(min = 52.dp).testTag(tag).semantics {
        role = Role.DropdownList
        contentDescription = if (note == null) "$label: $name" else "$label: $name, $note"
    },
    shape = MaterialTheme.shapes.medium,
    color = MaterialTheme.colorScheme.surface,
    border = BorderStroke(1.dp, MaterialTheme.colorScheme.outlineVariant),
) {
    Row(Modifier.padding(start = 16.dp, end = 10.dp, top = 8.dp, bottom = 8.dp), verticalAlignment = Alignment.CenterVertically) {
        // The button says it all; once is enough.
        Column(Modifier.weight(1f).clearAndSetSemantics {}) {
            Label(name, MaterialTheme.typography.titleMedium)
            if (note != null) Label(note, MaterialTheme.typography.labelMedium, MaterialTheme.colorScheme.onSurfaceVariant)
        }
        Icon(Icons.Down, null, tint = MaterialTheme.colorScheme.onSurfaceVariant)
    }
}

/** A name on the side where the screen's language begins, whatever the name is written in. */
@Composable
private fun Label(text: String, style: TextStyle, colour: Color = Color.Unspecified) = Text(
    text,
    Modifier.fillMaxWidth(),
    colour,
    textAlign = if (LocalLayoutDirection.current == LayoutDirection.Rtl) TextAlign.Right else TextAlign.Left,
    maxLines = 2,
    overflow = TextOverflow.Ellipsis,
    style = style,
)

@Composable
private fun LanguageDialog(
    title: String,
    state: TranslateState,
    chosen: String?,
    withFind: Boolean,
    onClose: () -> Unit,
    onChoose: (String?) -> Unit,
) = Dialog(onClose, DialogProperties(usePlatformDefaultWidth = false)) {
    val s = LocalStrings.current
    var sought by remember { mutableStateOf("") }
    val (here, others) = state.languages.sought(sought).partition { it.code in state.codes }
    val choose = { code: String? ->
        onClose()
        onChoose(code)
    }
    Surface(
        Modifier.padding(16.dp).widthIn(max = 460.dp).heightIn(max = 640.dp).testTag("languages"),
        shape = MaterialTheme.shapes.extraLarge,
        color = MaterialTheme.colorScheme.surface,
    ) {
        LazyColumn(contentPadding = PaddingValues(bottom = 12.dp)) {
            item {
                Row(Modifier.padding(start = 24.dp, end = 8.dp, top = 8.dp), verticalAlignment = Alignment.CenterVertically) {
                    Text(title, Modifier.weight(1f).semantics { heading() }, style = MaterialTheme.typography.titleMedium)
                    IconButton(onClose, Modifier.size(48.dp)) { Icon(Icons.Close, s.close) }
                }
                Search(sought) { sought = it }
            }
            if (withFind && sought.isBlank()) item { LanguageRow(s.findLanguage, null, chosen == null) { choose(null) } }
            section(s.installedHere, here, chosen, choose)
            section(s.needPack, others, chosen, choose)
        }
    }
}

private val TranslateState.codes: Set<String> get() = (packs as? Packs.Installed)?.codes.orEmpty()

private fun List<LanguageView>.sought(text: String): List<LanguageView> {
    val part = text.trim()
    return if (part.isEmpty()) this
    else filter { it.ownName.contains(part, true) || it.englishName.contains(part, true) || it.code.equals(part, true) }
}

private fun LazyListScope.section(
    title: String,
    languages: List<LanguageView>,
    chosen: String?,
    choose: (String?) -> Unit,
) {
    if (languages.isEmpty()) return
    item {
        Text(
            title,
            Modifier.padding(start = 24.dp, end = 24.dp, top = 16.dp, bottom = 4.dp).semantics { heading() },
            color = MaterialTheme.colorScheme.onSurfaceVariant,
            style = MaterialTheme.typography.labelMedium,
        )
    }
    items(languages, key = { it.code }) { language ->
        LanguageRow(language.ownName, language.englishName.takeIf { it != language.ownName }, language.code == chosen) {
            choose(language.code)
        }
    }
}

@Composable
private fun LanguageRow(name: String, english: String?, chosen: Boolean, onClick: () -> Unit) = Row(
    Modifier.fillMaxWidth()
        .selectable(chosen, role = Role.RadioButton, onClick = onClick)
        .heightIn(min = 52.dp)
        .padding(horizontal = 24.dp, vertical = 8.dp),
    verticalAlignment = Alignment.CenterVertically,
) {
    Column(Modifier.weight(1f)) {
        Label(name, MaterialTheme.typography.bodyLarge)
        if (english != null) Label(english, MaterialTheme.typography.bodyMedium, MaterialTheme.colorScheme.onSurfaceVariant)
    }
    if (chosen) Icon(Icons.Check, null, tint = MaterialTheme.colorScheme.primary)
}

@Composable
private fun Search(text: String, onText: (String) -> Unit) {
    val s = LocalStrings.current
    val style = MaterialTheme.typography.bodyLarge.copy(color = MaterialTheme.colorScheme.onSurface)
    Surface(
        Modifier.fillMaxWidth().padding(horizontal = 16.dp),
        shape = MaterialTheme.shapes.medium,
        color = MaterialTheme.colorScheme.surfaceVariant,
    ) {
        BasicTextField(
            text,
            onText,
            Modifier.heightIn(min = 48.dp).testTag("search").semantics { contentDescription = s.searchLanguages },
            singleLine = true,
            textStyle = style,
            cursorBrush = SolidColor(MaterialTheme.colorScheme.primary),
            decorationBox = { inner ->
                Box(Modifier.padding(horizontal = 14.dp, vertical = 12.dp)) {
                    if (text.isEmpty()) Text(s.searchLanguages, style = style.copy(color = MaterialTheme.colorScheme.onSurfaceVariant))
                    inner()
                }
            },
        )
    }
}
