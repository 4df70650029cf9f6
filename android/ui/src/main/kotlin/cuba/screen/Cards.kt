package cuba.screen

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.PaddingValues
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.text.selection.SelectionContainer
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.alpha
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.semantics.stateDescription
import androidx.compose.ui.unit.dp
import cuba.ffi.Confidence
import kotlinx.coroutines.delay
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** The translation, how far to trust it, and what to do with it. */
@Composable
internal fun ResultCard(state: TranslateState, model: TranslateModel, onCopy: (String) -> Unit) {
    val s = LocalStrings.current
    val result = state.result
    Card(Modifier.testTag("card"), MaterialTheme.colorScheme.primaryContainer, MaterialTheme.colorScheme.onPrimaryContainer) {
        Column {
            Working(state.working, s.working)
            if (result == null) {
                Text(s.working, Modifier.padding(20.dp).alpha(0.7f), style = MaterialTheme.typography.titleLarge)
            } else {
                // Spoken once it is whole, not with every sentence that is added.
                val spoken = Modifier.semantics {
                    contentDescription = "${s.resultLabel}: ${result.text}"
                    if (!state.working) liveRegion = LiveRegionMode.Polite
                }
                SelectionContainer(Modifier.padding(start = 20.dp, end = 20.dp, top = 18.dp, bottom = 14.dp)) {
                    // What belongs to an earlier text steps back until the new one is there.
                    Text(
                        result.text,
                        Modifier.fillMaxWidth().testTag("result").then(spoken).alpha(if (state.working && result.trust != null) 0.6f else 1f),
                        style = MaterialTheme.typography.titleLarge,
                    )
                }
                result.trust?.let { Trusted(it, result, state, model) }
                if (result.trust != null) CopyButton(result.text, onCopy)
            }
        }
    }
}

/** A line that moves, where it takes longer than a blink. */
@Composable
private fun Working(working: Boolean, label: String) {
    var long by remember { mutableStateOf(false) }
    LaunchedEffect(working) {
        long = false
        if (working) {
            delay(400.milliseconds)
            long = true
        }
    }
    if (long) LinearProgressIndicator(Modifier.fillMaxWidth().testTag("working").semantics { contentDescription = label })
}

@Composable
private fun Trusted(trust: Trust, result: Result, state: TranslateState, model: TranslateModel) {
    val s = LocalStrings.current
    if (result.from == result.to) {
        val other = state.otherThan(result.to)
        Column(Modifier.padding(horizontal = 20.dp)) {
            Text(s.already(state.name(result.to)), style = MaterialTheme.typography.bodyMedium)
            if (other != null) TextButton({ model.chooseTo(other) }, Modifier.heightIn(min = 48.dp)) { Text(s.translateTo(state.name(other))) }
        }
        return
    }
    // What asks for attention is open at once.
    var open by remember(trust) { mutableStateOf(trust.confidence == Confidence.LOW) }
    val (sign, words, more) = when (trust.confidence) {
        Confidence.HIGH -> Triple(Icons.Check, s.high, s.highMore)
        Confidence.MEDIUM -> Triple(Icons.Wave, s.medium, s.mediumMore)
        Confidence.LOW -> Triple(Icons.Doubt, s.low, s.lowMore)
    }
    val caution = LocalCaution.current
    val low = trust.confidence == Confidence.LOW
    Surface(
        Modifier.padding(horizontal = 8.dp).fillMaxWidth().testTag("trust"),
        shape = MaterialTheme.shapes.medium,
        color = if (low) caution.container else MaterialTheme.colorScheme.primaryContainer,
        contentColor = if (low) caution.content else MaterialTheme.colorScheme.onPrimaryContainer,
    ) {
        Column {
            TrustLine(sign, words, open) { open = !open }
            if (open) Reasons(more, trust, state)
        }
    }
}

@Composable
private fun TrustLine(sign: ImageVector, words: String, open: Boolean, onClick: () -> Unit) {
    val s = LocalStrings.current
    Row(
        Modifier.fillMaxWidth()
            .clickable(role = Role.Button, onClickLabel = if (open) s.whyNot else s.why, onClick = onClick)
            .semantics { stateDescription = if (open) s.whyNot else s.why }
            .heightIn(min = 48.dp)
            .padding(horizontal = 12.dp, vertical = 8.dp),
        Arrangement.spacedBy(10.dp),
        Alignment.CenterVertically,
    ) {
        Icon(sign, null, Modifier.sign())
        Text(words, Modifier.weight(1f), style = MaterialTheme.typography.labelLarge)
        Text(if (open) s.whyNot else s.why, style = MaterialTheme.typography.labelMedium)
    }
}

@Composable
private fun Reasons(more: String, trust: Trust, state: TranslateState) {
    val s = LocalStrings.current
    val style = MaterialTheme.typography.bodyMedium
    Column(Modifier.padding(start = 12.dp, end = 12.dp, bottom = 14.dp).testTag("reasons"), Arrangement.spacedBy(8.dp)) {
        Text(more, style = style)
        if (trust.segments.size > 1 && trust.confidence == Confidence.LOW) {
            // Which sentences: with a long text that is what one needs to know.
            trust.segments.filter { it.confidence == Confidence.LOW }.take(SHOWN).forEach { segment ->
                Column {
                    Text("„${segment.target.trim()}“", style = MaterialTheme.typography.labelMedium)
                    segment.doubts.take(2).forEach { Bullet(s.doubt(it)) }
                }
            }
        } else {
            trust.doubts.take(SHOWN).forEach { Bullet(s.doubt(it)) }
        }
        trust.via?.let { Text(s.via(state.name(it)), style = style) }
    }
}

private const val SHOWN = 3

@Composable
private fun Bullet(text: String) = Row(horizontalArrangement = Arrangement.spacedBy(8.dp)) {
    Text("•", style = MaterialTheme.typography.bodyMedium)
    Text(text, style = MaterialTheme.typography.bodyMedium)
}

@Composable
private fun CopyButton(text: String, onCopy: (String) -> Unit) {
    val s = LocalStrings.current
    var copied by remember(text) { mutableStateOf(false) }
    LaunchedEffect(copied) {
        if (copied) {
            delay(3.seconds)
            copied = false
        }
    }
    TextButton(
        {
            onCopy(text)
            copied = true
        },
        Modifier.padding(start = 8.dp, end = 8.dp, bottom = 8.dp).heightIn(min = 48.dp).testTag("copy")
            .semantics { if (copied) liveRegion = LiveRegionMode.Polite },
    ) {
        Icon(if (copied) Icons.Check else Icons.Copy, null, Modifier.padding(end = 8.dp).sign())
        Text(if (copied) s.copied else s.copy)
    }
}

/** What is installed, quietly; or, where nothing is, how to get it. */
@Composable
internal fun PackLine(state: TranslateState, model: TranslateModel, onAddPack: () -> Unit) {
    val s = LocalStrings.current
    val packs = state.packs
    when {
        state.adding != null -> AddingCard(state.adding, first = packs == Packs.Loading, model::cancelAdding)
        packs is Packs.Installed && packs.directions.isEmpty() && state.problem == null ->
            Notice(Message(s.noPacksTitle, s.packHow), "no-packs") { Action(s.addPack, onAddPack) }
        packs is Packs.Installed && packs.directions.isNotEmpty() -> Column(Modifier.padding(horizontal = 4.dp).testTag("packs")) {
            Text(
                s.packsReady("${state.pairs(packs)} (${megabytes(packs.bytes)})"),
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.bodyMedium,
            )
            TextButton(onAddPack, Modifier.heightIn(min = 48.dp), contentPadding = PaddingValues(end = 12.dp)) {
                Icon(Icons.Plus, null, Modifier.padding(end = 8.dp).sign())
                Text(s.addPack)
            }
        }
    }
}

@Composable
private fun AddingCard(adding: Adding, first: Boolean, onCancel: () -> Unit) {
    val s = LocalStrings.current
    Card(Modifier.testTag("adding"), border = true) {
        Column(Modifier.padding(20.dp), Arrangement.spacedBy(12.dp)) {
            Text(
                if (first) s.setUp else s.adding,
                Modifier.semantics { liveRegion = LiveRegionMode.Polite },
                style = MaterialTheme.typography.titleMedium,
            )
            val share = adding.share
            if (share == null) LinearProgressIndicator(Modifier.fillMaxWidth())
            else LinearProgressIndicator({ share }, Modifier.fillMaxWidth())
            if (!first) TextButton(onCancel, Modifier.heightIn(min = 48.dp)) { Text(s.cancel) }
        }
    }
}

/** What went wrong and what the user can do: the first button is the likeliest. */
@Composable
internal fun ProblemCard(problem: Problem, state: TranslateState, model: TranslateModel, onAddPack: () -> Unit) {
    val s = LocalStrings.current
    val retry = @Composable { Action(s.retry, model::retry) }
    val add = @Composable { Action(s.addPack, onAddPack) }
    val away = @Composable { Quiet(s.understood, model::dismiss) }
    when (problem) {
        is Problem.NoPack -> Notice(Message(s.noPackTitle(problem.from?.let(state::name), state.name(problem.to)), s.packHow)) { add() }
        is Problem.WhichLanguage -> Notice(Message(s.whichTitle, "")) {
            problem.candidates.ifEmpty { state.read() }.take(CANDIDATES).forEach { Quiet(state.name(it)) { model.chooseFrom(it) } }
        }
        is Problem.Terms -> Notice(Message(s.termsTitle(problem.title), listOfNotNull(problem.text, problem.url).joinToString("\n\n"))) {
            Action(s.accept) {
                model.dismiss()
                model.addPack(problem.path, acceptTerms = true)
            }
            Quiet(s.decline, model::dismiss)
        }
        Problem.Damaged -> Notice(s.damaged) { add() }
        Problem.NotAPack -> Notice(s.notAPack) { add(); away() }
        is Problem.NoSpace -> Notice(s.noSpace(problem.missing?.let(::megabytes))) { add(); away() }
        Problem.NoMemory -> Notice(s.noMemory) { retry() }
        Problem.Busy -> Notice(s.busy) { retry() }
        Problem.NotWritable -> Notice(s.notWritable) { retry(); away() }
        Problem.UpdateApp -> Notice(s.updateApp) { retry() }
        is Problem.Failed -> Notice(s.failed.copy(help = "${s.failed.help}\n\n${problem.reason}")) { retry() }
    }
}

private const val CANDIDATES = 4

@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun Notice(message: Message, tag: String = "problem", actions: @Composable () -> Unit) = Card(Modifier.testTag(tag), border = true) {
    Column(Modifier.padding(20.dp), Arrangement.spacedBy(10.dp)) {
        Column(Modifier.semantics(mergeDescendants = true) { liveRegion = LiveRegionMode.Polite }, Arrangement.spacedBy(6.dp)) {
            Text(message.title, Modifier.semantics { heading() }, style = MaterialTheme.typography.titleMedium)
            if (message.help.isNotEmpty()) {
                Text(message.help, color = MaterialTheme.colorScheme.onSurfaceVariant, style = MaterialTheme.typography.bodyMedium)
            }
        }
        FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalArrangement = Arrangement.spacedBy(4.dp)) { actions() }
    }
}

@Composable
private fun Action(text: String, onClick: () -> Unit) =
    Button(onClick, Modifier.heightIn(min = 48.dp)) { Text(text, style = MaterialTheme.typography.labelLarge) }

@Composable
private fun Quiet(text: String, onClick: () -> Unit) =
    TextButton(onClick, Modifier.heightIn(min = 48.dp)) { Text(text, style = MaterialTheme.typography.labelLarge) }

/** Languages that packs read. */
private fun TranslateState.read(): List<String> = (packs as? Packs.Installed)?.directions.orEmpty().map { it.from }.distinct()

private fun TranslateState.otherThan(code: String): String? =
    (packs as? Packs.Installed)?.directions.orEmpty().firstOrNull { it.from == code }?.to

/** `English ⇄ Español`: both ways in one. */
private fun TranslateState.pairs(packs: Packs.Installed): String {
    val all = packs.directions
    return all.filter { d -> d.from < d.to || all.none { it.from == d.to && it.to == d.from } }.joinToString(", ") { d ->
        val both = all.any { it.from == d.to && it.to == d.from }
        // Isolated and from left to right, as the arrow points, in every text.
        "\u2066${name(d.from)} ${if (both) "⇄" else "→"} ${name(d.to)}\u2069"
    }
}

/** Isolated as above. */
private fun megabytes(bytes: ULong): String = "\u2066${(bytes + 999_999u) / 1_000_000u} MB\u2069"

/** A sign beside a text grows with it. */
@Composable
internal fun Modifier.sign(): Modifier = size(20.dp * LocalDensity.current.fontScale.coerceIn(1f, 1.7f))
