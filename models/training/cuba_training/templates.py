"""Hand-written sentence pairs for the words that matter, and the patterns that vary them.

`templates/*.tsv` holds them: plain pairs, and patterns with slots such as `{dose}`; a slot's fillers are in
`templates/slots.<pair>.tsv`. Agreement is the author's duty: a slot's fillers all fit its sentence.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from . import files

FOLDER = Path(__file__).resolve().parent.parent / "templates"
PER_PATTERN = 60
_CONTRACTIONS = {
    language: [(re.compile(rf"\b{words}\b", re.IGNORECASE), joined) for words, joined in table]
    for language, table in {
        "es": [("a el", "al"), ("de el", "del")],
        "fr": [("à le", "au"), ("à les", "aux"), ("de le", "du"), ("de les", "des")],
    }.items()
}
_SLOT = re.compile(r"\{([a-z_]+)(\d?)\}")


def rows(path: Path):
    for line in files.lines_of(path):
        if line.strip() and not line.startswith("#"):
            yield line.split("\t")


def key_words(pair: str = "en-es", folder: Path = FOLDER):
    """(English, [forms of the other language]); nothing for a pair without a list."""
    path = folder / f"keywords.{pair}.tsv"
    if path.exists():
        for en, forms in rows(path):
            yield en, forms.split("|")


def slots(pair: str = "en-es", folder: Path = FOLDER) -> dict[str, list[tuple[str, str]]]:
    table: dict[str, list[tuple[str, str]]] = {}
    path = folder / f"slots.{pair}.tsv"
    if path.exists():
        for name, en, es in rows(path):
            table.setdefault(name, []).append((en, es))
    return table


def fill(en: str, other: str, table: dict, rng: random.Random, language: str = "es") -> tuple[str, str]:
    """Replace each slot (numbered when one is used twice) by the same filler on both sides."""
    chosen: dict[str, tuple[str, str]] = {}
    for name, number in _SLOT.findall(en + " " + other):
        if name + number not in chosen:
            taken = set(chosen.values())
            choices = [f for f in table[name] if f not in taken]
            chosen[name + number] = rng.choice(choices)
    def put(side):
        return lambda match: chosen[match.group(1) + match.group(2)][side]
    return capital(_SLOT.sub(put(0), en)), capital(contract(_SLOT.sub(put(1), other), language))


def contract(text: str, language: str) -> str:
    """Preposition and article become one word, as Spanish ("a el" -> "al") and French ("de le" -> "du") require."""
    for pattern, joined in _CONTRACTIONS.get(language, []):
        text = pattern.sub(lambda match: joined.capitalize() if match.group()[0].isupper() else joined, text)
    return text


def capital(text: str) -> str:
    """Capital letter at the start, past opening marks."""
    for i, c in enumerate(text):
        if c.isalpha():
            return text[:i] + c.upper() + text[i + 1:]
        if c.isdigit():
            return text
    return text


def all_pairs(pair: str = "en-es", folder: Path = FOLDER, seed: int = 5):
    """Every plain pair once and up to `PER_PATTERN` fillings of every pattern, then the key words alone."""
    rng, table = random.Random(seed), slots(pair, folder)
    for path in sorted(folder.glob(f"pairs*.{pair}.tsv")):
        for en, es in rows(path):
            if not _SLOT.search(en):
                yield capital(en), capital(es)
                continue
            seen = set()
            for _ in range(PER_PATTERN):
                filled = fill(en, es, table, rng, pair[3:])
                if filled not in seen:
                    seen.add(filled)
                    yield filled
    for en, forms in key_words(pair, folder):
        for es in forms:
            yield en, es
            yield capital(en), capital(es)
