package cuba.screen

import cuba.ffi.Confidence
import cuba.ffi.Direction
import cuba.ffi.Doubt
import cuba.ffi.LanguageView
import cuba.ffi.SegmentView

/** All that the screen shows, whole each time. */
data class TranslateState(
    /** What was typed. */
    val text: String = "",
    /** The language of the text; `null`: Cuba finds it. */
    val from: String? = null,
    /** The language to translate to. */
    val to: String = "es",
    /** The last translation; while [working] it may still grow, or belong to what was typed before. */
    val result: Result? = null,
    /** A translation is on its way. */
    val working: Boolean = false,
    /** Why there is none. */
    val problem: Problem? = null,
    /** What is installed. */
    val packs: Packs = Packs.Loading,
    /** A pack that is being added. */
    val adding: Adding? = null,
    /** Every language there is a name for. */
    val languages: List<LanguageView> = emptyList(),
) {
    /** The language that is read, chosen or found. */
    val source: String? get() = from ?: result?.from

    /** A language by its code. */
    fun language(code: String): LanguageView? = languages.find { it.code == code }
}

/** A translation as it is shown. */
data class Result(
    val text: String,
    val from: String?,
    val to: String,
    /** `null` while it grows. */
    val trust: Trust? = null,
)

/** How far a finished translation can be trusted. */
data class Trust(
    val confidence: Confidence,
    /** Every sign of doubt once, most severe first. */
    val doubts: List<Doubt>,
    /** The sentences, in order. */
    val segments: List<SegmentView>,
    /** The language between, where there were two steps. */
    val via: String?,
)

/** What is installed. */
sealed interface Packs {
    /** Not known yet. */
    data object Loading : Packs

    /** These directions are translated; none where the list is empty. */
    data class Installed(val directions: List<Direction>, val bytes: ULong, val damaged: Int) : Packs {
        /** Languages that packs read or write. */
        val codes: Set<String> = directions.flatMap { listOf(it.from, it.to) }.toSet()
    }
}

/** A pack on its way into the store. */
data class Adding(val done: ULong = 0u, val total: ULong = 0u) {
    /** From 0 to 1; `null` while the size is unknown. */
    val share: Float? get() = if (total == 0uL) null else (done.toDouble() / total.toDouble()).toFloat().coerceIn(0f, 1f)
}

/** What went wrong, by what the user can do about it. */
sealed interface Problem {
    /** No pack translates this pair: add one. */
    data class NoPack(val from: String?, val to: String) : Problem

    /** Say which language it is. */
    data class WhichLanguage(val candidates: List<String>) : Problem

    /** Read the terms and accept them, or not. */
    data class Terms(val path: String, val title: String, val text: String?, val url: String?) : Problem

    /** A file is damaged: add the pack again. */
    data object Damaged : Problem

    /** What was chosen is no pack. */
    data object NotAPack : Problem

    /** Free this many bytes; `null` where that is not known. */
    data class NoSpace(val missing: ULong?) : Problem

    /** Close other apps. */
    data object NoMemory : Problem

    /** Somebody else is at work: try again. */
    data object Busy : Problem

    /** The app's folder cannot be written. */
    data object NotWritable : Problem

    /** Update the app, or install it anew. */
    data object UpdateApp : Problem

    /** Anything else; the reason is for a report. */
    data class Failed(val reason: String) : Problem
}
