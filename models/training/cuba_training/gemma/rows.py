"""Rows of tokens for training: prompts with their translations, packed, and the words that the loss chooses among."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece as spm

from .. import corpus
from ..sources import directions
from .mixture import Mixture

NAMES = {"en": "English", "es": "Spanish", "fr": "French"}
MISSES = 30
SAMPLE = 6000


@dataclass(frozen=True)
class Shape:
    """`rows` x `length` tokens, at most `targets` of which are predicted, among `candidates` tokens."""

    rows: int = 8
    length: int = 256
    targets: int = 1024
    candidates: int = 8192


def prompt(source: str, direction: str) -> str:
    """What the engine asks a model with this adapter (core/translate/src/prompt.rs)."""
    first, second = direction.split("-")
    return f"{NAMES[first]}: {source}\n{NAMES[second]}:"


class Encoder:
    def __init__(self, tokeniser: spm.SentencePieceProcessor):
        self.spm = tokeniser
        self.bos, self.eos = tokeniser.bos_id(), tokeniser.eos_id()

    def question(self, source: str, direction: str) -> list[int]:
        return [self.bos, *self.spm.encode(prompt(source, direction))]

    def answer(self, target: str) -> list[int]:
        return [*self.spm.encode(" " + target), self.eos]


class Stream:
    """Endless batches of all directions of the given corpora, each drawn from as often as its weight says: one for each corpus or for
    each direction (first language to second, then back, corpus after corpus)."""

    def __init__(self, folders: list[Path], encoder: Encoder, shape: Shape, drawn: dict, batches: int = 0, weights: list[float] | None = None):
        self.encoder, self.shape, self.batches = encoder, shape, batches
        self.mixtures = [Mixture(folder, number, drawn.get(directions(corpus.read_mixture(folder)[0])[number], {}))
                         for folder in folders for number in (0, 1)]
        odds = np.array(weights or [1.0] * len(folders))
        if len(odds) == len(folders):
            odds = np.repeat(odds, 2)
        self.odds = odds / odds.sum()
        self.waiting: list[tuple[list[int], list[int]]] = []
        self.frequent = self.most_frequent()

    def most_frequent(self) -> np.ndarray:
        """Tokens of a sample of the data, most frequent first: always among the candidates."""
        rng, counts = np.random.default_rng(3), np.zeros(self.encoder.spm.get_piece_size(), np.int64)
        for mixture in self.mixtures:
            targets = [mixture.draw_any(rng)[1] for _ in range(SAMPLE)]
            np.add.at(counts, [t for answer in map(self.encoder.answer, targets) for t in answer], 1)
        order = np.argsort(-counts, kind="stable")
        return order[: np.count_nonzero(counts)]

    def position(self) -> dict:
        return {"drawn": {m.direction: m.position() for m in self.mixtures}, "batches": self.batches}

    def pair(self, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        while True:
            mixture = self.mixtures[int(rng.choice(len(self.mixtures), p=self.odds))]
            source, target = mixture.draw(rng)
            question, answer = self.encoder.question(source, mixture.direction), self.encoder.answer(target)
            if len(question) + len(answer) <= self.shape.length and len(answer) > 1:
                return question, answer

    def next(self) -> dict:
        rng = np.random.default_rng([self.batches, 78])
        chosen, used, targets, misses, waiting = [], np.zeros(self.shape.rows, int), 0, 0, self.waiting
        self.waiting = []
        while misses < MISSES:
            question, answer = waiting.pop() if waiting else self.pair(rng)
            size = len(question) + len(answer)
            fits = used + size <= self.shape.length
            if not fits.any() or targets + len(answer) > self.shape.targets:
                self.waiting.append((question, answer))
                misses += 1
                continue
            row = int(np.argmax(np.where(fits, used + 1, 0)))
            chosen.append((row, int(used[row]), question, answer))
            used[row] += size
            targets += len(answer)
        self.waiting += waiting
        self.batches += 1
        return batch_of(chosen, self.shape, self.encoder.spm.get_piece_size(), self.frequent, rng)


def batch_of(chosen: list, shape: Shape, vocabulary: int, frequent: np.ndarray, rng: np.random.Generator) -> dict:
    """Arrays of the texts placed at (row, column): the token before each answer token predicts it."""
    tokens, place, segment = np.zeros((3, shape.rows, shape.length), np.int32)
    sites, words = [], []
    for number, (row, at, question, answer) in enumerate(chosen):
        text = question + answer
        here = slice(at, at + len(text))
        tokens[row, here], place[row, here], segment[row, here] = text, np.arange(len(text)), number + 1
        first = row * shape.length + at + len(question) - 1
        sites += range(first, first + len(answer))
        words += answer
    candidates, log_weight, labels = choose_candidates(np.array(words), vocabulary, shape.candidates, frequent, rng)
    missing = shape.targets - len(sites)
    return {"tokens": tokens, "place": place, "segment": segment, "candidates": candidates, "log_weight": log_weight,
            "sites": np.pad(np.array(sites, np.int32), (0, missing)), "labels": np.pad(labels, (0, missing), constant_values=-1),
            "pairs": np.int32(len(chosen))}


def choose_candidates(words: np.ndarray, vocabulary: int, size: int, frequent: np.ndarray, rng: np.random.Generator):
    """The batch's own words, the frequent ones, and a sample of the others with the weight that each carries."""
    present = np.union1d(words, frequent[: max(0, size // 2)])
    rest = np.setdiff1d(np.arange(vocabulary), present, assume_unique=True)
    sample = rng.choice(rest, size - len(present), replace=False)
    candidates = np.concatenate([present, sample]).astype(np.int32)
    log_weight = np.zeros(size, np.float32)
    log_weight[len(present):] = np.log(len(rest) / max(len(sample), 1))
    return candidates, log_weight, np.searchsorted(present, words).astype(np.int32)
