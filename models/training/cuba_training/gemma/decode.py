"""Many sentences answered at once, with a cache of keys and values: by the adapter (`answer.py`) and by a larger teacher (`qwen.py`).

llama.cpp answers a few sequences at a time; a teacher has thousands of sentences to write, and a hundred of them in a batch keep
the matrix tiles of `products.py` busy. Questions stand at the right of their rows, so that all answers begin in the same column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Callable, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from .. import products
from . import network

BATCH, CELLS = 256, 24_576
"""Sentences at once, and columns of all of them: a process with Qwen 1.5B takes 8 GB then."""
STEP = 16
"""Lengths are rounded up to a multiple of it, so that few shapes are compiled."""


class Model(Protocol):
    """What decoding needs of a network; `x` is [rows * length, width]."""

    layers: int
    heads: int
    key_heads: int
    head: int

    def embed(self, w: dict, tokens): ...

    def turns(self, place, length): ...

    def project(self, w: dict, layer: int, x, turns):
        """Queries [rows, length, heads, head], scaled and turned, keys and values of the layer."""

    def finish(self, w: dict, layer: int, x, mixed):
        """The states after the layer, from those before it and the mixed values."""

    def scores(self, w: dict, x): ...


@dataclass(frozen=True)
class Gemma:
    """Gemma 3 as `network.py` has it; the adapter's factors stand beside the weights, under `lora`."""

    c: network.Config

    layers = property(lambda self: self.c.layers)
    heads = property(lambda self: self.c.heads)
    head = property(lambda self: self.c.head)
    key_heads = 1

    def embed(self, w, tokens):
        return w["embedding"][tokens].reshape(-1, self.c.width) * self.c.width**0.5

    def turns(self, place, length):
        return network.turns(self.c, place, length)

    def factors(self, w, layer):
        return {name.partition(".")[2]: f for name, f in w["lora"].items() if name.startswith(f"{layer}.")}

    def project(self, w, layer, x, turns):
        far = (layer + 1) % network.GLOBAL_EVERY == 0
        return network.projections(self.c, x, w["layers"][layer], self.factors(w, layer), [both[int(far)] for both in turns])

    def finish(self, w, layer, x, mixed):
        of, lora = w["layers"][layer], self.factors(w, layer)
        x = x + network.rms(network.linear(mixed, of, lora, "attn_output"), of["post_attention_norm"], self.c.epsilon)
        return x + network.rms(network.feed_forward(self.c, x, of, lora), of["post_ffw_norm"], self.c.epsilon)

    def scores(self, w, x):
        return products.fixed(network.rms(x, w["norm"], self.c.epsilon), w["output"])


def read(model: Model, w: dict, tokens, sizes, prefix, longest: int):
    """Scores of each row's last token, and keys and values [rows, key heads, columns, head] of every layer for `prefix` (the keys and
    values of what stands before all questions), right before the `sizes` tokens of each row, which end in the last column."""
    rows, length = tokens.shape
    before = prefix[0][0].shape[2]
    columns, first = jnp.arange(before + length), length - sizes
    mask = (columns >= first[:, None])[:, None] & (columns <= columns[before:, None])
    place = jnp.maximum(columns[before:] - first[:, None], 0)
    x, turns, kept = model.embed(w, tokens), model.turns(place, longest), []
    from_prefix = ((columns >= first[:, None]) & (columns < first[:, None] + before))[:, None, :, None]
    prefix_column = jnp.clip(columns - first[:, None], 0, max(before - 1, 0))

    def joined(shared, own):
        own = jnp.pad(own.swapaxes(1, 2), ((0, 0), (0, 0), (before, 0), (0, 0)))
        return jnp.where(from_prefix, shared[0][:, prefix_column].swapaxes(0, 1), own) if before else own

    for layer in range(model.layers):
        q, k, v = model.project(w, layer, x, turns)
        k, v = (joined(shared, own) for shared, own in zip(prefix[layer], (k, v)))
        kept.append((k, v))
        # All query heads of a key head stand below each other in one product.
        grouped = q.swapaxes(1, 2).reshape(rows * model.key_heads, -1, model.head)
        scores = products.matmul(grouped, k.reshape(-1, before + length, model.head), tb=True).reshape(rows, model.heads, length, -1)
        shares = jax.nn.softmax(jnp.where(mask[:, None], scores, -1e9), -1).reshape(*grouped.shape[:2], -1)
        mixed = products.matmul(shares, v.reshape(-1, before + length, model.head)).reshape(rows, model.heads, length, model.head)
        x = model.finish(w, layer, x, mixed.swapaxes(1, 2).reshape(rows * length, -1))
    last = x.reshape(rows, length, -1)[:, -1]
    return model.scores(w, last), kept


def go_on(model: Model, w: dict, token, place, first, cache, at, longest: int):
    """Scores after one more token a row, which goes into column `at` of the cache."""
    x, turns, kept = model.embed(w, token), model.turns(place, longest), []
    for layer in range(model.layers):
        q, k, v = (part[:, 0] for part in model.project(w, layer, x, turns))
        mixed, *grown = products.attend(q, k, v, *cache[layer], first, at)
        kept.append(tuple(grown))
        x = model.finish(w, layer, x, mixed.reshape(len(x), -1))
    return model.scores(w, x), kept


@partial(jax.jit, static_argnums=0)
def read_prefix(model: Model, w: dict, tokens):
    rows = jnp.broadcast_to(tokens, (products.MULTIPLE, len(tokens)))
    nothing = [(jnp.zeros((1, model.key_heads, 0, model.head)),) * 2] * model.layers
    kept = read(model, w, rows, jnp.full(products.MULTIPLE, len(tokens)), nothing, len(tokens))[1]
    return [(k[:1], v[:1]) for k, v in kept]


@partial(jax.jit, static_argnums=(0, 5))
def answer(model: Model, w: dict, prefix, tokens, sizes, answers: int, end, enough):
    """Up to `answers` tokens after each question: the prefix, then `sizes` tokens at the right of its row (none: nothing is asked); 0 after
    the end token."""
    rows, length = tokens.shape
    before = prefix[0][0].shape[2]
    longest, first = before + length + answers, length - sizes
    scores, kept = read(model, w, tokens, sizes, prefix, longest)
    cache = [tuple(jnp.pad(part, ((0, 0), (0, 0), (0, answers), (0, 0))) for part in both) for both in kept]

    def unfinished(state):
        number, done = state[:2]
        return (number < answers) & ((~done).sum() > (1 - enough) * (sizes > 0).sum())

    def step(state):
        number, done, scores, cache, written = state
        token = jnp.where(done, 0, jnp.argmax(scores, -1)).astype(jnp.int32)
        written = jax.lax.dynamic_update_slice(written, token[:, None], (0, number))
        scores, cache = go_on(model, w, token[:, None], (before + sizes + number)[:, None], first, cache, before + length + number, longest)
        return number + 1, done | (token == end), scores, cache, written

    state = (jnp.int32(0), sizes == 0, scores, cache, jnp.zeros((rows, answers), jnp.int32))
    return jax.lax.while_loop(unfinished, step, state)[4]


def answers(model: Model, w: dict, questions: list[list[int]], spare: Callable[[int], int], end: int, enough: float = 1.0) -> list[list[int]]:
    """The likeliest tokens after each question, one by one, without the end token: empty where it did not end within
    `spare(length of the longest question of its batch)`.
    Once `enough` of a batch have ended the others, most of which go round in circles, are not waited for."""
    found: list[list[int]] = [[] for _ in questions]
    if not questions:
        return found
    before = common(questions) // STEP * STEP
    prefix = read_prefix(model, w, jnp.asarray(questions[0][:before], jnp.int32)) if before else [(jnp.zeros((1, model.key_heads, 0, model.head)),) * 2] * model.layers
    order = sorted(range(len(questions)), key=lambda i: len(questions[i]))
    while order:
        longest = len(questions[order[-1]])
        length, spared = up(longest - before), up(spare(longest))
        batch = max(products.MULTIPLE, min(BATCH, CELLS // (before + length + spared) // products.MULTIPLE * products.MULTIPLE))
        order, here = order[:-batch], order[-batch:]
        tokens, sizes = np.zeros((batch, length), np.int32), np.zeros(batch, np.int32)
        for row, i in enumerate(here):
            own = questions[i][before:]
            tokens[row, length - len(own) :], sizes[row] = own, len(own)
        written = np.asarray(answer(model, w, prefix, tokens, sizes, spared, end, enough))
        for row, i in enumerate(here):
            ends = np.flatnonzero(written[row] == end)
            found[i] = written[row, : ends[0]].tolist() if len(ends) else []
    return found


def common(questions: list[list[int]]) -> int:
    """Tokens that all questions begin with; each keeps one of its own."""
    shortest = min(map(len, questions)) - 1
    return next((i for i in range(shortest) if len({q[i] for q in questions}) > 1), shortest)


def up(length: int) -> int:
    return -(-length // STEP) * STEP
