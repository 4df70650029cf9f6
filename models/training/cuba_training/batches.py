"""Packed batches drawn from a weighted mixture, with a position that can be saved and taken up again.

The position is, per direction and source, how many sentences were drawn: sentence `n` of a source is the
`n mod size`-th of the permutation seeded by the pass `n // size`. So a resumed run never repeats or skips
data, and the mixture may grow between runs. Subword sampling draws from SentencePiece's own generator, which
is seeded per batch from the same position.
"""

from __future__ import annotations

import queue
import threading
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sentencepiece as spm

from . import corpus, vocab
from .sources import directions

MISSES = 100


@dataclass(frozen=True)
class Shape:
    """`rows` x `length` tokens a side, `candidates` output words."""

    rows: int = 64
    length: int = 64
    candidates: int = 2560


@dataclass(frozen=True)
class Noise:
    """Regularisation done on the data: shares of sentences resegmented, words dropped, lower-cased."""

    sample_source: float = 0.3
    sample_target: float = 0.1
    alpha: float = 0.3
    drop_word: float = 0.02
    lower: float = 0.03


@dataclass
class Source:
    name: str
    pairs: list[tuple[str, str]]
    share: float
    role: int
    seed: int
    drawn: int = 0
    _pass: int = -1
    _order: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def draw(self) -> tuple[str, str]:
        number, place = divmod(self.drawn, len(self.pairs))
        if number != self._pass:
            self._order = np.random.default_rng([self.seed, number]).permutation(len(self.pairs))
            self._pass = number
        self.drawn += 1
        return self.pairs[self._order[place]]


class Stream:
    """Endless batches of one direction."""

    def __init__(self, corpus_folder: Path, spm_path: Path, direction: int, shape: Shape, noise: Noise, drawn: dict[str, int], batches: int = 0):
        self.direction, self.shape, self.noise, self.batches = direction, shape, noise, batches
        self.spm: spm.SentencePieceProcessor = vocab.load(spm_path)
        self.size = self.spm.get_piece_size()
        self.sources = load_sources(corpus_folder, direction, drawn)
        shares = np.array([s.share for s in self.sources])
        self.shares = shares / shares.sum()
        self.waiting: list[tuple[list[int], list[int], int]] = []

    def position(self) -> dict:
        return {"drawn": {s.name: s.drawn for s in self.sources}, "batches": self.batches}

    def sentence(self, rng: np.random.Generator) -> tuple[list[int], list[int], int]:
        """One tokenised pair with end marks that fits a row, and its role."""
        while True:
            source = self.sources[rng.choice(len(self.sources), p=self.shares)]
            en, es = source.draw()
            src, trg = (en, es) if self.direction == 0 else (es, en)
            if rng.random() < self.noise.lower:
                src = src.lower().rstrip(".?!").lstrip("¿¡")
            pair = self.encode(src, self.noise.sample_source, rng), self.encode(trg, self.noise.sample_target, rng)
            if max(len(pair[0]), len(pair[1])) <= self.shape.length:
                return *pair, source.role

    def encode(self, text: str, share: float, rng: np.random.Generator) -> list[int]:
        if rng.random() < share:
            ids = self.spm.encode(text, enable_sampling=True, nbest_size=-1, alpha=self.noise.alpha)
        else:
            ids = self.spm.encode(text)
        return ids + [vocab.EOS]

    def next(self) -> dict:
        seed = [self.batches, self.direction, 77]
        rng = np.random.default_rng(seed)
        spm.set_random_generator_seed(int(rng.integers(2**31)))
        batch = self.pack(rng)
        self.choose_candidates(batch, rng)
        self.batches += 1
        return batch

    def pack(self, rng: np.random.Generator) -> dict:
        """Fill the rows, fullest fitting row first; sentences that fit nowhere wait for the next batch."""
        r, n = self.shape.rows, self.shape.length
        batch = {name: np.zeros((r, n), np.int32) for name in
                 ("src", "trg_in", "trg_out", "src_pos", "trg_pos", "src_kind", "trg_kind", "src_seg", "trg_seg")}
        batch["src_keep"], batch["trg_start"] = np.ones((r, n), np.float32), np.zeros((r, n), np.float32)
        batch["trg_out"][:] = -1
        batch["trg_seg"][:] = -1
        used_src, used_trg, number = np.zeros(r, int), np.zeros(r, int), np.zeros(r, int)
        waiting, self.waiting, misses = self.waiting, [], 0
        while misses < MISSES:
            src, trg, role = waiting.pop() if waiting else self.sentence(rng)
            fits = (used_src + len(src) <= n) & (used_trg + len(trg) <= n)
            if not fits.any():
                self.waiting.append((src, trg, role))
                misses += 1
                continue
            row = int(np.argmax(np.where(fits, np.maximum(used_src, used_trg) + 1, 0)))
            number[row] += 1
            place(batch, row, int(used_src[row]), int(used_trg[row]), src, trg, role, int(number[row]))
            used_src[row] += len(src)
            used_trg[row] += len(trg)
        self.waiting += waiting
        drop = (rng.random((r, n)) < self.noise.drop_word) & (batch["src"] != vocab.EOS)
        batch["src_keep"][drop] = 0.0
        batch["direction"] = np.int32(self.direction)
        return batch

    def choose_candidates(self, batch: dict, rng: np.random.Generator) -> None:
        """Every target word of the batch, then a random sample of the rest with the weight each carries."""
        k, out = self.shape.candidates, batch.pop("trg_out")
        present, inverse = np.unique(out[out >= 0], return_inverse=True)
        if len(present) > k - 256 and self.size > k:
            raise ValueError(f"{len(present)} different target words do not fit {k} candidates: raise candidates")
        rest = np.setdiff1d(np.arange(self.size), present, assume_unique=True)
        free = min(k, self.size) - len(present)
        sample = rng.choice(rest, free, replace=False)
        batch["candidates"] = np.concatenate([present, sample]).astype(np.int32)
        batch["log_weight"] = np.zeros(len(batch["candidates"]), np.float32)
        batch["log_weight"][len(present):] = np.log(len(rest) / max(free, 1))
        labels = np.full(out.shape, -1, np.int32)
        labels[out >= 0] = inverse
        batch["labels"] = labels


def place(batch: dict, row: int, i: int, j: int, src: list[int], trg: list[int], role: int, number: int) -> None:
    a, b = slice(i, i + len(src)), slice(j, j + len(trg))
    batch["src"][row, a] = src
    batch["src_pos"][row, a] = np.arange(len(src))
    batch["src_seg"][row, a] = number
    batch["src_kind"][row, a] = role
    batch["trg_out"][row, b] = trg
    batch["trg_in"][row, b] = [0, *trg[:-1]]
    batch["trg_pos"][row, b] = np.arange(len(trg))
    batch["trg_seg"][row, b] = number
    batch["trg_kind"][row, b] = role
    batch["trg_start"][row, j] = 1.0


def load_sources(folder: Path, number: int, drawn: dict[str, int]) -> list[Source]:
    """The sources of direction 0 (from the pair's first language) or 1."""
    pair, entries = corpus.read_mixture(folder)
    direction, found = directions(pair)[number], []
    for entry in entries:
        use = entry["use"].get(direction)
        if use and use["share"] > 0:
            pairs = list(corpus.read_pairs(folder / entry["file"]))
            seed = zlib.crc32(f"{entry['name']} {direction}".encode())
            found.append(Source(entry["name"], pairs, use["share"], use["role"], seed, drawn.get(entry["name"], 0)))
    if not found:
        raise FileNotFoundError(f"the mixture in {folder} has no source for {direction}: run `python -m cuba_training.corpus` first")
    return found


class Prefetch:
    """Batches made in a thread, alternating over the streams, each with the position that follows it."""

    def __init__(self, streams: list[Stream], depth: int = 3):
        self._queue: queue.Queue = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(streams,), daemon=True)
        self._thread.start()

    def _run(self, streams) -> None:
        try:
            while not self._stop.is_set():
                for stream in streams:
                    self._put((stream.next(), stream.direction, stream.position()))
        except Exception as error:  # handed to the training thread, which raises it
            self._put((error, -1, {}))

    def _put(self, item) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=1)
                return
            except queue.Full:
                continue

    def next(self):
        batch, direction, position = self._queue.get()
        if isinstance(batch, Exception):
            raise batch
        return batch, direction, position

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
