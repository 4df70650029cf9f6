"""The safety sets: sentences with marked words, and whether a translation keeps them.

A check is `word:accepted|accepted!forbidden|forbidden`. It holds when one accepted form starts a word of the
translation and no forbidden one does, case and accents ignored; `_` stands for a space. A translation with a
forbidden form is a dangerous substitution; one that merely lacks the accepted forms has lost the word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from . import files

FOLDER = Path(__file__).resolve().parent.parent / "safety"


def fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower().replace("’", "'").replace("œ", "oe"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def has(form: str, folded: str) -> bool:
    """Whether `form` starts a word of `folded`; a number must also end there."""
    form = form.replace("_", " ")
    end = r"(?![\d]|[.,]\d)" if form[-1].isdigit() else ""
    return re.search(rf"(?<![^\W_])(?<!\d[.,]){re.escape(form)}{end}", folded) is not None


@dataclass(frozen=True)
class Check:
    word: str
    accepted: tuple[str, ...]
    forbidden: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Check":
        word, _, forms = text.partition(":")
        accepted, _, forbidden = forms.partition("!")
        if not word or not accepted:
            raise ValueError(f"check {text!r} is not `word:accepted|accepted!forbidden`")
        return cls(word, tuple(accepted.split("|")), tuple(f for f in forbidden.split("|") if f))

    def verdict(self, translation: str) -> str:
        """"kept", "lost" or "dangerous"."""
        folded = fold(translation)
        if any(has(f, folded) for f in self.forbidden):
            return "dangerous"
        return "kept" if any(has(a, folded) for a in self.accepted) else "lost"


@dataclass(frozen=True)
class Sentence:
    source: str
    topic: str
    checks: tuple[Check, ...]


def load(pair: str, folder: Path = FOLDER) -> list[Sentence]:
    if not (folder / f"{pair}.tsv").exists():
        return []
    rows = (line.split("\t") for line in files.lines_of(folder / f"{pair}.tsv") if line and not line.startswith("#"))
    return [Sentence(source, topic, tuple(Check.parse(c) for c in checks.split())) for source, topic, checks in rows]


def judge(sentences: list[Sentence], translations: list[str]) -> dict:
    """Counts of words by verdict, the share of sentences with all words kept, and every failure."""
    counts, failures, whole = {"kept": 0, "lost": 0, "dangerous": 0}, [], 0
    for sentence, translation in zip(sentences, translations, strict=True):
        verdicts = [(c.word, c.verdict(translation)) for c in sentence.checks]
        for _, verdict in verdicts:
            counts[verdict] += 1
        wrong = [f"{word} {verdict}" for word, verdict in verdicts if verdict != "kept"]
        whole += not wrong
        if wrong:
            failures.append({"source": sentence.source, "translation": translation, "wrong": wrong})
    return {**counts, "sentences": len(sentences), "whole": whole, "failures": failures}
