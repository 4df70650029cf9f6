package cuba.screen

import cuba.ffi.Doubt
import cuba.screen.words.Arabic
import cuba.screen.words.English
import cuba.screen.words.French
import cuba.screen.words.Portuguese
import cuba.screen.words.Spanish

/** What happened, and what to do about it. */
data class Message(val title: String, val help: String)

/** Every word on the screen in one language. The compiler holds each language to all of them. */
class Strings(
    /** The language's code. */
    val code: String,
    /** Written from right to left. */
    val rightToLeft: Boolean = false,
    /** The screen's name. */
    val title: String,
    /** That nothing leaves the device, in a few words. */
    val onDevice: String,
    /** The choice that lets Cuba find the language. */
    val findLanguage: String,
    /** Stands below a language that Cuba found. */
    val found: String,
    /** What the first choice of language is. */
    val fromLabel: String,
    /** What the second is. */
    val toLabel: String,
    /** Turns the direction round. */
    val swap: String,
    /** Heads the languages that packs translate. */
    val installedHere: String,
    /** Heads the others. */
    val needPack: String,
    /** Asks for a language's name. */
    val searchLanguages: String,
    /** Closes what is open. */
    val close: String,
    /** Asks for a text. */
    val hint: String,
    /** Names the text for screen readers. */
    val textLabel: String,
    /** Empties the text. */
    val clear: String,
    /** Names the translation for screen readers. */
    val resultLabel: String,
    /** That a translation is on its way. */
    val working: String,
    /** Copies the translation. */
    val copy: String,
    /** That it was copied. */
    val copied: String,
    /** High confidence. */
    val high: String,
    /** Medium confidence. */
    val medium: String,
    /** Low confidence. */
    val low: String,
    /** What high confidence means. */
    val highMore: String,
    /** What medium confidence means. */
    val mediumMore: String,
    /** What low confidence means. */
    val lowMore: String,
    /** Opens the reasons. */
    val why: String,
    /** Closes them. */
    val whyNot: String,
    /** That there were two steps, by a language. */
    val via: (String) -> String,
    /** That the text is in the target language. */
    val already: (String) -> String,
    /** Offers another target. */
    val translateTo: (String) -> String,
    /** A sign of doubt. */
    val doubt: (Doubt) -> String,
    /** The packs that are installed, with their size. */
    val packsReady: (String) -> String,
    /** Nothing is installed at all. */
    val noPacksTitle: String,
    /** No pack for a pair; the first language may be unknown. */
    val noPackTitle: (String?, String) -> String,
    /** How one gets a pack. */
    val packHow: String,
    /** Chooses a file. */
    val addPack: String,
    /** That a pack is being added. */
    val adding: String,
    /** Gives it up. */
    val cancel: String,
    /** That Cuba prepares itself. */
    val setUp: String,
    /** Asks for the language of the text. */
    val whichTitle: String,
    /** Heads the terms of a pack. */
    val termsTitle: (String) -> String,
    /** Accepts them. */
    val accept: String,
    /** Does not. */
    val decline: String,
    /** Tries again. */
    val retry: String,
    /** Puts a message away. */
    val understood: String,
    /** A pack's file is damaged. */
    val damaged: Message,
    /** The chosen file is no pack, or a damaged one. */
    val notAPack: Message,
    /** The disk is full; with the space that is missing, if known. */
    val noSpace: (String?) -> Message,
    /** Too little memory. */
    val noMemory: Message,
    /** Somebody else is at work on the same. */
    val busy: Message,
    /** The app's folder cannot be written. */
    val notWritable: Message,
    /** App and library do not belong together, or the data is newer. */
    val updateApp: Message,
    /** Anything else. */
    val failed: Message,
) {
    companion object {
        /** The languages that the screen speaks. Made when asked: each of them is a Strings itself. */
        val all: List<Strings> by lazy { listOf(English, Spanish, French, Portuguese, Arabic) }

        /** The first of the user's languages (`pt-BR`, `ar`) that the screen speaks; English otherwise. */
        fun of(preferred: List<String>): Strings =
            preferred.firstNotNullOfOrNull { tag -> all.find { it.code == tag.substringBefore('-') } } ?: English
    }
}
