"""What the adapter learns from: shares of the corpus step's sources, for prose as well as talk.

The starter packs learn a language from these pairs; the base model knows both already and only has to learn to translate.
So few pairs of many kinds do: full sentences of news, reports and manuals count more here than in `sources.py`, word lists
less, and of synthetic pairs only those with a human target or one from a larger model. What a machine lost is left out: a model
that learns from the rest to add it says more than it was given.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from .. import batches, corpus
from ..sources import BACK, FORWARD, directions

SHARES = {
    "tatoeba-manythings": 14, "europarl-sample": 7, "sdg": 2, "vita-min": 2, "mozilla-www": 1.5, "justice-crt-portal": 0.7,
    "libreoffice-help": 1, "storybooks": 2, "mintaka": 2, "refugee-phrasebook": 0.5, "tico19-terms": 0.5, "cldr-names": 0.2,
    "bible-web": 0.7, "php-manual": 1, "python-docs": 3, "templates": 3, "canada-notify": 4,
    "es-ancora-news.taught": 16, "es-opensource-guide.taught": 7,
    "es-ancora-news.back": 8, "es-spaccc-clinical.back": 3, "es-opensource-guide.back": 3, "es-commonvoice.back": 2,
    "en-medquad.back": 6, "en-openstax-anatomy.back": 5, "en-openstax-psychology.back": 8, "en-canada-digital-service.back": 6,
    "en-opensource-guide.back": 2,
    "fr-service-public.back": 8, "fr-assemblee-nationale.back": 4, "fr-canada-digital-service.back": 3, "fr-commonvoice.back": 2,
}
"""Relative number of sentences; sources that are not named are left out."""
DEV_EVERY, DEV_SIZE = 40, 48
"""Of the human pairs of these sources, every so many-th is held out for the dev loss."""
DEV_SOURCES = ("tatoeba-manythings", "europarl-sample", "sdg", "storybooks", "canada-notify", "python-docs")


SHORT = 0.9
"""Of the usual length beside the human side: a machine's sentence that is shorter has lost something."""


def whole(pairs: list[tuple[str, str]], machine: int) -> list[tuple[str, str]]:
    """The pairs of one synthetic source whose side `machine` is not short for its kind."""
    lengths = np.array([[len(side) for side in pair] for pair in pairs], float)
    beside = lengths[:, machine] / np.maximum(lengths[:, 1 - machine], 1)
    return [p for p, long in zip(pairs, beside >= SHORT * np.median(beside)) if long]


class Mixture:
    """Pairs of one direction, with a position that can be saved."""

    def __init__(self, folder: Path, number: int, drawn: dict[str, int]):
        pair, entries = corpus.read_mixture(folder)
        self.direction = directions(pair)[number]
        self.number, self.sources, self.dev = number, [], []
        for entry in entries:
            name, use = entry["name"], entry["use"].get(self.direction, {"share": 0})
            if name in SHARES and use["share"] > 0:
                pairs = [p[::-1] if number else p for p in corpus.read_pairs(folder / entry["file"])]
                if name in DEV_SOURCES:
                    self.dev += pairs[::DEV_EVERY][:: max(1, len(pairs) // DEV_EVERY // 12)]
                    pairs = [p for i, p in enumerate(pairs) if i % DEV_EVERY]
                if use["role"] in (BACK, FORWARD):
                    pairs = whole(pairs, machine=0 if use["role"] == BACK else 1)
                seed = zlib.crc32(f"{name} {self.direction}".encode())
                self.sources.append(batches.Source(name, pairs, SHARES[name], use["role"], seed, drawn.get(name, 0)))
        shares = np.array([s.share for s in self.sources])
        self.shares = shares / shares.sum()

    def position(self) -> dict[str, int]:
        return {s.name: s.drawn for s in self.sources}

    def draw(self, rng: np.random.Generator) -> tuple[str, str]:
        return self.sources[rng.choice(len(self.sources), p=self.shares)].draw()

    def draw_any(self, rng: np.random.Generator) -> tuple[str, str]:
        """A pair that does not count as drawn."""
        pairs = self.sources[rng.choice(len(self.sources), p=self.shares)].pairs
        return pairs[int(rng.integers(len(pairs)))]
