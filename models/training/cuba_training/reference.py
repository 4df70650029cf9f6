"""The exported model in NumPy: an independent second implementation of what `core/nmt` computes.

It reads the Marian container, float32 or int8, and follows intgemm's arithmetic for the latter: activations are
quantised with the model's own multipliers, products are summed as integers, and everything else is float32. It
evaluates exports, calibrates their multipliers and writes the golden files the engine is tested against.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import marian, vocab
from .model import LAYER_NORM_EPSILON, positions_table

MAX_LENGTH = 512


def settings(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.strip("\0").splitlines() if ":" in line and not line.startswith(" "))
    return {k.strip(): v.strip() for k, v in pairs}


class Reference:
    """`Reference(items).greedy([[ids]])`. `observe`, when set, is called with every product's name and input."""

    def __init__(self, items: dict[str, marian.Item]):
        options = settings(bytes(items[marian.CONFIG_ITEM].values).decode())
        self.dim, self.heads = int(options["dim-emb"]), int(options["transformer-heads"])
        self.enc, self.dec = int(options["enc-depth"]), int(options["dec-depth"])
        self.items, self.observe = items, None
        self.quantised = items["Wemb"].kind == marian.INTGEMM8
        wemb = items["Wemb"]
        self.embedding = wemb.values.astype(np.float32) / (np.float32(wemb.multiplier) if self.quantised else 1)
        self.table = positions_table(MAX_LENGTH, self.dim)
        self.weights = {n: self._weight(i) for n, i in items.items() if "_W" in n and len(i.shape) == 2 and min(i.shape) > 1}
        self.vectors = {n: i.values.reshape(-1) for n, i in items.items() if i.kind == marian.FLOAT32}

    @classmethod
    def load(cls, path: Path) -> "Reference":
        return cls(marian.load(path))

    @staticmethod
    def _weight(item: marian.Item) -> np.ndarray:
        """Float matrices as they are; int8 ones as whole numbers in float32, where their sums are exact."""
        return item.values.T.astype(np.float32) if item.kind == marian.INTGEMM8 else item.values

    def affine(self, name: str, x: np.ndarray, bias: str | None) -> np.ndarray:
        if self.observe:
            self.observe(name, x)
        y = self.product(x, self.weights[name], self.items[name], f"{name}_QuantMultA")
        return y + self.vectors[bias] if bias else y

    def product(self, x, weight, item, alpha_name) -> np.ndarray:
        if item.kind != marian.INTGEMM8:
            return x @ weight
        alpha = self.vectors[alpha_name][0]
        whole = np.clip(np.rint(x * alpha), -127, 127).astype(np.float32)
        return (whole @ weight) * np.float32(1.0 / (alpha * np.float32(item.multiplier)))

    def logits(self, tops: np.ndarray) -> np.ndarray:
        if self.observe:
            self.observe("none", tops)
        item = self.items["Wemb"]
        weight = item.values.astype(np.float32).T if self.quantised else self.embedding.T
        if not hasattr(self, "_output"):
            self._output = np.ascontiguousarray(weight)
        return self.product(tops, self._output, item, "none_QuantMultA") + self.vectors["decoder_ff_logit_out_b"]

    def norm(self, base: str, x: np.ndarray) -> np.ndarray:
        mean = x.mean(-1, keepdims=True)
        centred = x - mean
        deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(LAYER_NORM_EPSILON))
        return centred / deviation * self.vectors[f"{base}_ln_scale"] + self.vectors[f"{base}_ln_bias"]

    def ffn(self, base: str, x: np.ndarray) -> np.ndarray:
        hidden = np.maximum(self.affine(f"{base}_W1", x, f"{base}_b1"), 0)
        return self.norm(f"{base}_ffn", x + self.affine(f"{base}_W2", hidden, f"{base}_b2"))

    def keys(self, base: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Keys and values, split by head: [B, heads, S, dim / heads]."""
        return tuple(self.split(self.affine(f"{base}_W{w}", x, f"{base}_b{w}")) for w in "kv")

    def split(self, x: np.ndarray) -> np.ndarray:
        b, s, _ = x.shape
        return x.reshape(b, s, self.heads, -1).transpose(0, 2, 1, 3)

    def attend(self, base: str, x, k, v, mask) -> np.ndarray:
        q = self.split(self.affine(f"{base}_Wq", x, f"{base}_bq"))
        scores = q @ k.transpose(0, 1, 3, 2) * np.float32((self.dim // self.heads) ** -0.5) + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        joined = (scores @ v).transpose(0, 2, 1, 3).reshape(x.shape)
        return self.norm(f"{base}_Wo", x + self.affine(f"{base}_Wo", joined, f"{base}_bo"))

    def embed(self, ids: np.ndarray, start: int) -> np.ndarray:
        scale = np.float32(np.sqrt(self.dim))
        return self.embedding[ids] * scale + self.table[start:start + ids.shape[1]]

    def encode(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """ids [B, S], mask [B, 1, 1, S] additive; returns the context [B, S, dim]."""
        x = self.embed(ids, 0)
        for i in range(1, self.enc + 1):
            base = f"encoder_l{i}_self"
            x = self.ffn(f"encoder_l{i}_ffn", self.attend(base, x, *self.keys(base, x), mask))
        return x

    def step(self, previous: np.ndarray | None, position: int, cells: list[np.ndarray], context: list, mask) -> np.ndarray:
        """One decoder step for [B] previous ids (None at the start); changes `cells`; returns tops [B, dim]."""
        batch = cells[0].shape[0]
        if previous is None:
            x = np.repeat(self.table[None, :1], batch, 0)
        else:
            x = self.embed(previous[:, None], position)
        for i in range(1, self.dec + 1):
            base = f"decoder_l{i}_rnn"
            gate = 1 / (1 + np.exp(-self.affine(f"{base}_Wf", x, f"{base}_bf")))
            cells[i - 1] = gate * cells[i - 1] + (1 - gate) * self.affine(f"{base}_W", x, None)
            x = self.norm(f"{base}_ffn", x + np.maximum(cells[i - 1], 0))
            x = self.attend(f"decoder_l{i}_context", x, *context[i - 1], mask)
            x = self.ffn(f"decoder_l{i}_ffn", x)
        return x[:, 0]

    def start(self, sentences: list[list[int]]):
        """Encoder output, cross-attention keys, mask and empty cells for sentences that end in `</s>`."""
        length = max(map(len, sentences))
        ids = np.zeros((len(sentences), length), int)
        mask = np.full((len(sentences), 1, 1, length), -1e9, np.float32)
        for row, sentence in enumerate(sentences):
            ids[row, :len(sentence)] = sentence
            mask[row, :, :, :len(sentence)] = 0
        encoded = self.encode(ids, mask)
        context = [self.keys(f"decoder_l{i}_context", encoded) for i in range(1, self.dec + 1)]
        cells = [np.zeros((len(sentences), 1, self.dim), np.float32) for _ in range(self.dec)]
        return encoded, context, mask, cells

    def greedy(self, sentences: list[list[int]], limit: float = 2.0) -> list[list[int]]:
        """Best word at every step; at most `limit` times the source's length and five more."""
        _, context, mask, cells = self.start(sentences)
        live = np.arange(len(sentences))
        output: list[list[int]] = [[] for _ in sentences]
        previous = None
        for position in range(min(MAX_LENGTH, int(limit * context[0][0].shape[2]) + 5)):
            tops = self.step(previous, position, cells, context, mask)
            best = self.logits(tops).argmax(-1)
            going = best != vocab.EOS
            for row, word in zip(live[going], best[going]):
                output[row].append(int(word))
            if not going.any():
                break
            live, previous, mask = live[going], best[going], mask[going]
            cells = [c[going] for c in cells]
            context = [(k[going], v[going]) for k, v in context]
        return output

    def translate(self, processor, texts: list[str], batch: int = 64) -> list[str]:
        """Texts in, texts out, in batches of similar length."""
        sources = [processor.encode(t)[:MAX_LENGTH // 2] + [vocab.EOS] for t in texts]
        order = sorted(range(len(texts)), key=lambda i: len(sources[i]))
        result = [""] * len(texts)
        for begin in range(0, len(order), batch):
            rows = order[begin:begin + batch]
            for i, ids in zip(rows, self.greedy([sources[i] for i in rows])):
                result[i] = processor.decode(ids)
        return result
