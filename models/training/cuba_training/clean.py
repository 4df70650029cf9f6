"""Cleaning of sentence pairs: normal forms, filters, and the wall between training and evaluation text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from .files import lines_of

MAX_WORDS = 60
_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'", "\u00a0": " ",
                         "\u2009": " ", "\u202f": " ", "\u200b": None, "\u00ad": None, "\ufeff": None, "\t": " "})
_PLACEHOLDER = re.compile(r"%\{|\{\{|\{\d|%[sd(]|\$\{|<[a-zA-Z/]|&[a-z]+;|https?://|\[\[|\\[nt]|:ref:|``|@@|__")
_NUMBER = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """NFC, straight quotes, single spaces. The same form is expected of what users type."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text).translate(_QUOTES)).strip()


def key(text: str) -> str:
    """What two sentences share when they count as the same: letters and digits only, lower case."""
    folded = unicodedata.normalize("NFC", text).lower()
    return " ".join("".join(c if c.isalnum() else " " for c in folded).split())


def keep(en: str, es: str, max_words: int = MAX_WORDS) -> bool:
    """Whether a pair looks like a translation: lengths in proportion, letters, no markup, the same numbers."""
    a, b = len(en.split()), len(es.split())
    if not (1 <= a <= max_words and 1 <= b <= max_words):
        return False
    if max(len(en), len(es)) > 12 and max(len(en), len(es)) > 2.2 * min(len(en), len(es)) + 8:
        return False
    if a >= 4 and key(en) == key(es):
        return False
    if _PLACEHOLDER.search(en) or _PLACEHOLDER.search(es):
        return False
    if sum(map(str.isalpha, en)) < 0.4 * len(en) or sum(map(str.isalpha, es)) < 0.4 * len(es):
        return False
    return same_numbers(en, es)


def same_numbers(en: str, es: str) -> bool:
    """Digits agree up to grouping marks ("1,000" and "1.000") and up to numbers written as words on one side."""
    a, b = "".join(_NUMBER.findall(en)), "".join(_NUMBER.findall(es))
    return not a or not b or sorted(a) == sorted(b)


class EvaluationWall:
    """Every line of every evaluation set, so that no training pair shares a side of two or more words with one."""

    def __init__(self, lines: Iterable[str]):
        self._keys = {k for k in map(key, lines) if len(k.split()) >= 2}

    @classmethod
    def from_folder(cls, folder: Path, also: Iterable[str] = ()) -> "EvaluationWall":
        """Reads `<set>/<language>.txt` under `folder`; `also` are further lines to keep out."""
        files = [f for f in sorted(folder.glob("*/*.txt")) if f.name != "LICENSE.txt"]
        if not files:
            raise FileNotFoundError(f"no evaluation sets (<set>/<language>.txt) under {folder}: point --data at the data folder")
        return cls([*(line for f in files for line in lines_of(f)), *also])

    def __len__(self) -> int:
        return len(self._keys)

    def blocks(self, *sides: str) -> bool:
        return any(key(side) in self._keys for side in sides)


def clean_pairs(pairs: Iterable[tuple[str, str]], wall: EvaluationWall, counts: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Normalise, filter, deduplicate; counts what was dropped and why."""
    seen: set[tuple[str, str]] = set()
    for en, es in pairs:
        counts["read"] = counts.get("read", 0) + 1
        en, es = normalise(en), normalise(es)
        pair_key = (en.lower(), es.lower())
        if pair_key in seen:
            reason = "duplicate"
        elif wall.blocks(en, es):
            reason = "evaluation"
        elif not keep(en, es):
            reason = "filtered"
        else:
            seen.add(pair_key)
            counts["kept"] = counts.get("kept", 0) + 1
            yield en, es
            continue
        counts[reason] = counts.get(reason, 0) + 1
