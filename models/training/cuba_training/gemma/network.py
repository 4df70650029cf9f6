"""Gemma 3 in JAX: frozen bfloat16 weights, float32 in between, LoRA factors beside every linear layer (Hu et al. 2021).

Not yet compared with llama.cpp number by number. What a port gets wrong first: norm weights of a GGUF already hold the +1 of Gemma's
checkpoints; rotary embedding pairs a number with the one half a head further (NEOX); its base is 1e4, in every sixth layer
1e6; queries and keys have norms of their own; every block has norms before and after; the embedding is scaled by
sqrt(width) and is the output layer as well. The sliding window of 512 is longer than any sentence pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from .. import products
from . import container

LINEAR = {"attn_q": "qkv", "attn_k": "qkv", "attn_v": "qkv", "attn_output": "output", "ffn_gate": "up", "ffn_up": "up", "ffn_down": "down"}
"""Linear layers as GGUF names them, and the product each is part of: those with the same input are one product."""
NORMS = ("attn_norm", "attn_q_norm", "attn_k_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
GLOBAL_EVERY = 6


@dataclass(frozen=True)
class Config:
    layers: int
    width: int
    heads: int
    head: int
    hidden: int
    vocabulary: int
    epsilon: float = 1e-6
    base_local: float = 1e4
    base_global: float = 1e6

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of each linear layer."""
        attention = self.heads * self.head
        return {"attn_q": (self.width, attention), "attn_k": (self.width, self.head), "attn_v": (self.width, self.head),
                "attn_output": (attention, self.width), "ffn_gate": (self.width, self.hidden), "ffn_up": (self.width, self.hidden),
                "ffn_down": (self.hidden, self.width)}

    def is_global(self) -> np.ndarray:
        """Of each layer, whether it has the large rotary base: 1 or 0."""
        return np.array([(i + 1) % GLOBAL_EVERY == 0 for i in range(self.layers)], np.int32)


def dequantised(model: container.Gguf, name: str) -> np.ndarray:
    from gguf import GGMLQuantizationType, quants

    tensor = model.tensor(name)
    values = quants.dequantize(np.asarray(model.rows_of(tensor)), GGMLQuantizationType(tensor.kind))
    return values.reshape(tensor.dims[::-1])


def config_of(model: container.Gguf) -> Config:
    def number(key: str) -> int:
        return model.entry(f"gemma3.{key}").number()

    if model.entry("general.architecture").value[8:] != b"gemma3" or number("attention.head_count_kv") != 1:
        raise ValueError("this is not a Gemma 3 model with one key and value head")
    return Config(number("block_count"), number("embedding_length"), number("attention.head_count"), number("attention.key_length"),
                  number("feed_forward_length"), len(model.entry("tokenizer.ggml.tokens").elements))


def load(path: Path) -> tuple[Config, dict]:
    """The model's frozen weights: layers stacked, matrices input by output and those of one input side by side."""
    model = container.Gguf(path)
    c = config_of(model)

    def stacked(name: str) -> np.ndarray:
        return np.stack([dequantised(model, f"blk.{i}.{name}.weight") for i in range(c.layers)])

    weights = {name: stacked(name) for name in NORMS}
    for product in dict.fromkeys(LINEAR.values()):
        parts = [stacked(name).swapaxes(1, 2) for name, of in LINEAR.items() if of == product]
        weights[product] = packed(np.concatenate(parts, 2))
    embedding = packed(dequantised(model, "token_embd.weight"))
    return c, {"layers": weights, "embedding": embedding, "norm": dequantised(model, "output_norm.weight")}


def packed(values: np.ndarray) -> np.ndarray:
    """bfloat16 as the bare 16 bits: XLA on a CPU turns a whole array into float32 and back to take a slice of bfloat16 out of
    it or to put one in, which took three quarters of a step."""
    return values.astype(ml_dtypes.bfloat16).view(np.uint16)


def unpacked(values):
    return jax.lax.bitcast_convert_type(values, jnp.bfloat16).astype(jnp.float32) if values.dtype == jnp.uint16 else values


def adapter(c: Config, rank: int, seed: int) -> dict:
    """LoRA factors, layers stacked: `a` random, `b` zero, so that nothing changes at first."""
    rng, factors = np.random.default_rng(seed), {}
    for name, (inputs, outputs) in c.sizes().items():
        factors[f"{name}.a"] = rng.normal(0, inputs**-0.5, (c.layers, inputs, rank)).astype(np.float32)
        factors[f"{name}.b"] = np.zeros((c.layers, rank, outputs), np.float32)
    return factors


@jax.custom_vjp
def frozen(x, w):
    """x [n, k] w [k, n] in which w is not trained: no gradient of it is ever computed."""
    return products.matmul(x[None], unpacked(w)[None])[0]


def _frozen_forward(x, w):
    return frozen(x, w), w


def _frozen_backward(w, g):
    return products.matmul(g[None], unpacked(w)[None], tb=True)[0], None


frozen.defvjp(_frozen_forward, _frozen_backward)


def rms(x, weight, epsilon):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon) * weight


def turns(c: Config, place):
    """Cosine and sine of each position's rotary angles, [local or global, rows, length, 1, half a head]."""
    half = c.head // 2
    bases = jnp.array([c.base_local, c.base_global])
    angle = place[None, :, :, None, None] * bases[:, None, None, None, None] ** (-jnp.arange(half) / half)
    return jnp.cos(angle), jnp.sin(angle)


def rotate(x, turn):
    """Rotary positions for [rows, length, heads, size]."""
    cos, sin = turn
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def linear(x, w, lora, product: str):
    """All linear layers of one product, with their adapters."""
    names = [name for name, of in LINEAR.items() if of == product]
    y = frozen(x, w)
    if lora:
        inner = products.dense(x, jnp.concatenate([lora[f"{name}.a"] for name in names], 1))
        rank = inner.shape[1] // len(names)
        parts = [products.dense(inner[:, i * rank : (i + 1) * rank], lora[f"{name}.b"]) for i, name in enumerate(names)]
        y = y + jnp.concatenate(parts, 1)
    return checkpoint_name(y, product)


def attention(c: Config, x, w, lora, mask, turn):
    rows, length = mask.shape[:2]
    qkv = linear(rms(x, w["attn_norm"], c.epsilon), w["qkv"], lora, "qkv").reshape(rows, length, c.heads + 2, c.head)
    q = rotate(rms(qkv[:, :, : c.heads], w["attn_q_norm"], c.epsilon), turn) * c.head**-0.5
    k = rotate(rms(qkv[:, :, c.heads : c.heads + 1], w["attn_k_norm"], c.epsilon), turn)[:, :, 0]
    # One key head for all query heads: they stand below each other in one product.
    scores = products.matmul(q.swapaxes(1, 2).reshape(rows, c.heads * length, c.head), k, tb=True)
    scores = jnp.where(mask[:, None], scores.reshape(rows, c.heads, length, length), -1e9)
    shares = jax.nn.softmax(scores, -1).reshape(rows, c.heads * length, length)
    mixed = products.matmul(shares, qkv[:, :, -1]).reshape(rows, c.heads, length, c.head)
    mixed = checkpoint_name(mixed.swapaxes(1, 2).reshape(rows * length, -1), "mixed")
    return linear(mixed, w["output"], lora, "output")


def feed_forward(c: Config, x, w, lora):
    both = linear(rms(x, w["ffn_norm"], c.epsilon), w["up"], lora, "up")
    return linear(jax.nn.gelu(both[:, : c.hidden], approximate=True) * both[:, c.hidden :], w["down"], lora, "down")


SAVED = ("qkv", "mixed", "output", "up", "down")
"""What the backward pass finds kept; cheap steps in between are done again."""


def hidden(c: Config, weights: dict, lora: dict, tokens, place, segment):
    """Last states [rows * length, width] of rows that hold several texts each: `segment` tells them apart (0 is padding),
    `place` counts within each."""
    length, angles = tokens.shape[1], turns(c, place)
    mask = (segment[:, :, None] == segment[:, None, :]) & (jnp.arange(length)[:, None] >= jnp.arange(length))

    def layer(x, given):
        w, factors, far = given
        turn = [jnp.where(far, both[1], both[0]) for both in angles]
        x = x + rms(attention(c, x, w, factors, mask, turn), w["post_attention_norm"], c.epsilon)
        return x + rms(feed_forward(c, x, w, factors), w["post_ffw_norm"], c.epsilon), None

    x = unpacked(weights["embedding"][tokens]).reshape(-1, c.width) * c.width**0.5
    step = jax.checkpoint(layer, policy=jax.checkpoint_policies.save_only_these_names(*SAVED))
    x, _ = jax.lax.scan(step, x, (weights["layers"], lora, c.is_global()))
    return rms(x, weights["norm"], c.epsilon)


@jax.custom_vjp
def scores(states, table):
    """The scores of the tokens whose embeddings are the rows of `table`, which is not trained."""
    return products.matmul(states[None], unpacked(table)[None], tb=True)[0]


def _scores_forward(states, table):
    return scores(states, table), table


def _scores_backward(table, g):
    return products.matmul(g[None], unpacked(table)[None])[0], None


scores.defvjp(_scores_forward, _scores_backward)
