package cuba.screen.words

import cuba.ffi.Doubt
import cuba.screen.Message
import cuba.screen.Strings

internal val English = Strings(
    code = "en",
    title = "Translate",
    onDevice = "Stays on this device",
    findLanguage = "Find language",
    found = "found",
    fromLabel = "Translate from",
    toLabel = "Translate to",
    swap = "Swap languages",
    installedHere = "On this device",
    needPack = "Need a pack",
    searchLanguages = "Search languages",
    close = "Close",
    hint = "Type or paste a text",
    textLabel = "Text to translate",
    clear = "Clear text",
    resultLabel = "Translation",
    working = "Translating",
    copy = "Copy",
    copied = "Copied",
    high = "Looks right",
    medium = "Probably right",
    low = "Check before you use it",
    highMore = "Cuba found no sign of a mistake. It can still be wrong: for medicine, law or money, ask a person.",
    mediumMore = "Cuba found a small sign of doubt. The meaning is most likely there; the wording may not be.",
    lowMore =
        "Cuba found signs that this may be wrong. Try shorter, simpler sentences, or ask somebody who knows the language.",
    why = "Why?",
    whyNot = "Less",
    via = { "Translated in two steps, by way of $it." },
    already = { "This is $it already." },
    translateTo = { "Translate to $it" },
    doubt = {
        when (it) {
            Doubt.PASSED_THROUGH -> "No translation could be had: this is your own text."
            Doubt.EMPTY -> "The translation came out empty."
            Doubt.NUMBERS -> "A number is missing, changed or added."
            Doubt.NEGATION -> "One side says “not” and the other does not."
            Doubt.REBUILT -> "A protected word had to be put back together."
            Doubt.LENGTH -> "It is much longer or shorter than it should be."
            Doubt.REPETITION -> "The same words repeat."
            Doubt.COPIED -> "It is the same as the original."
            Doubt.WRONG_LANGUAGE -> "It does not look like the language you asked for."
            Doubt.UNSURE -> "The wording is uncertain."
            Doubt.HESITANT -> "There were other wordings nearly as good."
            Doubt.UNFAMILIAR -> "There are words that Cuba hardly knows."
            Doubt.UNCOVERED -> "A part of your text may be missing."
            Doubt.TRUNCATED -> "It was too long and stops early."
            Doubt.SHORT -> "One or two words alone can mean many things."
            Doubt.PIVOT -> "It was translated in two steps."
            Doubt.SPLIT -> "A long sentence was cut in two."
            Doubt.OTHER -> "There is some other sign of doubt."
        }
    },
    packsReady = { "Packs on this device: $it" },
    noPacksTitle = "No language packs yet",
    noPackTitle = { from, to -> if (from != null) "There is no pack from $from to $to yet" else "There is no pack for $to yet" },
    packHow =
        "Cuba translates with packs that live on this device, so that nothing you write leaves it. Get a pack file (.cubapack) from somebody who has Cuba, or from a computer, and choose it here.",
    addPack = "Add a pack",
    adding = "Adding the pack",
    cancel = "Cancel",
    setUp = "Getting ready",
    whichTitle = "Which language is this?",
    termsTitle = { "Terms: $it" },
    accept = "Accept and add",
    decline = "Do not add",
    retry = "Try again",
    understood = "All right",
    damaged = Message(
        "A language pack is damaged",
        "Nothing you wrote is affected. Add the pack again to repair it.",
    ),
    notAPack = Message(
        "This file cannot be used",
        "It is not a Cuba pack, or it did not arrive whole. Nothing was changed. Get the file again and choose it once more.",
    ),
    noSpace = { missing ->
        Message("The device is full", if (missing != null) "Free about $missing, then add the pack again. Nothing was changed." else "Free some space, then add the pack again. Nothing was changed.")
    },
    noMemory = Message(
        "Not enough memory just now",
        "Close other apps and try again, or use a smaller pack.",
    ),
    busy = Message(
        "Something else is using this",
        "Wait a moment and try again.",
    ),
    notWritable = Message(
        "Cuba cannot write to its folder",
        "Look whether the storage is read-only, or give Cuba permission to write there.",
    ),
    updateApp = Message(
        "Cuba needs an update",
        "Parts of the app do not belong together, or a newer Cuba wrote this data. Install the newest version; your data stays.",
    ),
    failed = Message(
        "That did not work",
        "Try again. If it happens again, tell the makers what stands below.",
    ),
)
