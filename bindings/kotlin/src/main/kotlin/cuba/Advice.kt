package cuba

import cuba.ffi.CubaException

/** What a screen offers when something could not be done. */
enum class Advice {
    /** Nothing to show. */
    NOTHING,

    /** Offer a pack for the pair. */
    GET_PACK,

    /** Ask which language it is. */
    ASK_LANGUAGE,

    /** Show the terms. */
    SHOW_TERMS,

    /** Get the pack again, or restore a backup. */
    REPLACE,

    /** Free space on the disk. */
    FREE_SPACE,

    /** Close other apps, or take a smaller pack. */
    FREE_MEMORY,

    /** Unlock the device, wait, or look at the network, and try again. */
    TRY_AGAIN,

    /** Ask for the passphrase or recovery key again. */
    ASK_SECRET,

    /** Choose another place. */
    CHOOSE_PLACE,

    /** Update the app. */
    UPDATE_APP,

    /** Tell what is wrong with what was given. */
    CORRECT,

    /** Show that it failed. */
    REPORT,
}

/** What to offer. The compiler holds this to every error there is. */
val CubaException.advice: Advice
    get() = when (this) {
        is CubaException.Cancelled -> Advice.NOTHING
        is CubaException.NoPackFor -> Advice.GET_PACK
        is CubaException.LanguageUnclear -> Advice.ASK_LANGUAGE
        is CubaException.TermsNotAccepted -> Advice.SHOW_TERMS
        is CubaException.Damaged -> Advice.REPLACE
        is CubaException.NoSpace -> Advice.FREE_SPACE
        is CubaException.NoMemory -> Advice.FREE_MEMORY
        is CubaException.Network, is CubaException.Locked, is CubaException.Busy -> Advice.TRY_AGAIN
        is CubaException.KeyWrong -> Advice.ASK_SECRET
        is CubaException.NotWritable -> Advice.CHOOSE_PLACE
        is CubaException.TooNew -> Advice.UPDATE_APP
        is CubaException.BadInput -> Advice.CORRECT
        is CubaException.Closed, is CubaException.Other -> Advice.REPORT
    }
