"""What the adapter learns from: shares of the corpus step's sources, for prose as well as talk.

The starter packs learn a language from these pairs; the base model knows both already and only has to learn to translate.
So few pairs of many kinds do: full sentences of news, reports and manuals count more here than in `sources.py`, word lists
less, and of synthetic pairs only those with a human target.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from .. import batches, corpus
from ..sources import directions

SHARES = {
    "tatoeba-manythings": 22, "europarl-sample": 14, "sdg": 4, "vita-min": 3, "mozilla-www": 2, "justice-crt-portal": 1.5,
    "libreoffice-help": 2, "storybooks": 4, "mintaka": 3, "refugee-phrasebook": 0.7, "tico19-terms": 1, "cldr-names": 0.2,
    "bible-web": 1, "php-manual": 2.5, "python-docs": 7, "templates": 4, "canada-notify": 6,
    "es-ancora-news.back": 7, "es-spaccc-clinical.back": 2, "es-opensource-guide.back": 3, "es-commonvoice.back": 2,
    "en-medquad.back": 5, "en-openstax-anatomy.back": 4, "en-openstax-psychology.back": 4, "en-canada-digital-service.back": 3,
    "fr-service-public.back": 8, "fr-assemblee-nationale.back": 4, "fr-canada-digital-service.back": 3, "fr-commonvoice.back": 2,
}
"""Relative number of sentences; sources that are not named are left out."""
DEV_EVERY, DEV_SIZE = 40, 48
"""Of the human pairs of these sources, every so many-th is held out for the dev loss."""
DEV_SOURCES = ("tatoeba-manythings", "europarl-sample", "sdg", "storybooks", "canada-notify", "python-docs")


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
