"""What to offer when something could not be done."""

from __future__ import annotations

import enum

from .cuba_ffi import CubaError


class Advice(enum.Enum):
    """What a program offers for an error."""

    NOTHING = "nothing"
    GET_PACK = "get a pack for the pair"
    ASK_LANGUAGE = "ask which language it is"
    SHOW_TERMS = "show the terms"
    REPLACE = "get the pack again, or restore a backup"
    FREE_SPACE = "free space on the disk"
    FREE_MEMORY = "close other programs, or take a smaller pack"
    TRY_AGAIN = "unlock the device, wait, or look at the network, and try again"
    ASK_SECRET = "ask for the passphrase or recovery key again"
    CHOOSE_PLACE = "choose another place"
    UPDATE_APP = "update the app"
    CORRECT = "tell what is wrong with what was given"
    REPORT = "show that it failed"


ADVICE: dict[type[CubaError], Advice] = {
    CubaError.Cancelled: Advice.NOTHING,
    CubaError.NoPackFor: Advice.GET_PACK,
    CubaError.LanguageUnclear: Advice.ASK_LANGUAGE,
    CubaError.TermsNotAccepted: Advice.SHOW_TERMS,
    CubaError.Damaged: Advice.REPLACE,
    CubaError.NoSpace: Advice.FREE_SPACE,
    CubaError.NoMemory: Advice.FREE_MEMORY,
    CubaError.Network: Advice.TRY_AGAIN,
    CubaError.Locked: Advice.TRY_AGAIN,
    CubaError.Busy: Advice.TRY_AGAIN,
    CubaError.KeyWrong: Advice.ASK_SECRET,
    CubaError.NotWritable: Advice.CHOOSE_PLACE,
    CubaError.TooNew: Advice.UPDATE_APP,
    CubaError.BadInput: Advice.CORRECT,
    CubaError.Closed: Advice.REPORT,
    CubaError.Other: Advice.REPORT,
}


def advice(error: CubaError) -> Advice:
    """What to offer. A test holds the table to every error there is."""
    return ADVICE[type(error)]
