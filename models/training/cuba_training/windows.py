"""Short pieces of text around rare words: the cheapest way to meet a vocabulary.

In running text a word of one in a million comes once in a million words, and a small model that has met "surveillance" twice
makes up "surveillancia". A window of a few words around it costs five tokens, keeps the word in the grammar it is used in
(which a word list does not), and Apertium, whose dictionaries know the word, translates it as it translates sentences.

A word counts as rare when few human pairs hold it, whatever the monolingual text says. Names are left out: a word is one when
it is mostly written with a capital.
"""

from __future__ import annotations

import argparse
import lzma
import random
import re
from collections import Counter
from pathlib import Path

from . import clean, corpus, files
from .sources import HUMAN, MONOLINGUAL

FAMILIAR, MENTIONS = 300, 3
"""Rare: in fewer human pairs than the first; worth learning: in the monolingual text at least as often as the second."""
WIDTH, PER_WORD, LIMIT = 2, 4, 90_000
"""Words to each side; windows a word; windows in all."""
_BREAK = re.compile(r"[^\w\s'’-]+|\s[-–—]\s")


def human_counts(work: Path, language: str) -> Counter:
    """In how many human pairs each word stands."""
    pair, entries = corpus.read_mixture(work / "corpus")
    side = pair.split("-").index(language)
    counts: Counter = Counter()
    for entry in entries:
        if {use["role"] for use in entry["use"].values()} == {HUMAN}:
            for sides in corpus.read_pairs(work / "corpus" / entry["file"]):
                counts.update(set(clean.key(sides[side]).split()))
    return counts


def phrases(lines):
    """What stands between two marks of punctuation, as lists of words."""
    for line in lines:
        for part in _BREAK.split(clean.normalise(line)):
            words = part.split()
            if 1 < len(words):
                yield words


def windows(texts: list[list[str]], known: Counter, seed: int = 4) -> list[str]:
    """At most `LIMIT` windows, those of the words that are met most often first."""
    lower, upper = Counter(), Counter()
    for words in texts:
        for word in words:
            (lower if word.islower() else upper)[word.lower()] += 1
    rare = {w for w, n in lower.items() if n >= MENTIONS and n > upper[w] and known[w] < FAMILIAR and w.isalpha() and len(w) > 2}
    found: dict[str, list[str]] = {word: [] for word in rare}
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    for number in order:
        words = texts[number]
        for i, word in enumerate(words):
            mine = found.get(word)
            if mine is not None and len(mine) < PER_WORD:
                mine.append(" ".join(words[max(0, i - WIDTH):i + WIDTH + 1]))
    chosen = [window for word in sorted(rare, key=lambda w: (-lower[w], w)) for window in found[word]]
    return list(dict.fromkeys(chosen))[:LIMIT]


def make(data: Path, work: Path, pair: str, language: str) -> Path:
    texts: list[list[str]] = []
    for source in MONOLINGUAL[pair]:
        path = data / "mono" / "permissive" / language / f"{source.name}.txt.xz"
        if source.language == language and path.exists():
            with lzma.open(path, "rt", encoding="utf-8") as lines:
                texts += phrases(lines)
    chosen = windows(texts, human_counts(work, language))
    random.Random(5).shuffle(chosen)
    output = work / "synthetic" / "shuffled" / f"{language}-windows.txt"
    files.replace_text(output, "".join(f"{window}\n" for window in chosen))
    return output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--pair", default="en-es")
    parser.add_argument("--language", required=True)
    args = parser.parse_args()
    print(make(args.data, args.work, args.pair, args.language))


if __name__ == "__main__":
    main()
