"""Gemma 3 in JAX: frozen weights with LoRA factors beside every linear layer (Hu et al. 2021). All in float32: XLA converts bfloat16
weights slower than the tiles of `products.py` multiply them.

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
import numpy as np
from jax.ad_checkpoint import checkpoint_name

from .. import products
from . import container

LINEAR = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""Linear layers as GGUF names them."""
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
    """The model's frozen weights, matrices input by output, as `products.prepare` gives them. Every layer's are arrays of their own: a scan over stacked ones
    copies them at every step, and what it keeps for the backward pass."""
    model = container.Gguf(path)
    c = config_of(model)

    def layer(number: int) -> dict[str, np.ndarray]:
        of = {name: dequantised(model, f"blk.{number}.{name}.weight") for name in (*NORMS, *LINEAR)}
        return {name: products.prepare(np.ascontiguousarray(w.T)) if name in LINEAR else w for name, w in of.items()}

    layers = [layer(i) for i in range(c.layers)]
    return c, {"layers": layers, "embedding": dequantised(model, "token_embd.weight"), "norm": dequantised(model, "output_norm.weight")}


def adapter(c: Config, rank: int, seed: int) -> dict:
    """LoRA factors of every layer (`3.attn_q.a`): `a` random, `b` zero, so that nothing changes at first."""
    rng, factors = np.random.default_rng(seed), {}
    for layer in range(c.layers):
        for name, (inputs, outputs) in c.sizes().items():
            factors[f"{layer}.{name}.a"] = rng.normal(0, inputs**-0.5, (inputs, rank)).astype(np.float32)
            factors[f"{layer}.{name}.b"] = np.zeros((rank, outputs), np.float32)
    return factors


def rms(x, weight, epsilon):
    # The mean is a product: XLA's sums take four times as long.
    mean = jnp.square(x) @ jnp.full((x.shape[-1], 1), 1 / x.shape[-1], x.dtype)
    return x * jax.lax.rsqrt(mean + epsilon) * weight


def turns(c: Config, place, longest: int):
    """Cosine and sine of the rotary angles of positions below `longest`, [local or global, rows, length, 1, half a head]. Looked up:
    computed here they would be computed again in every layer."""
    half = c.head // 2
    powers = np.array([[c.base_local], [c.base_global]]) ** (-np.arange(half) / half)
    angle = np.arange(longest)[:, None] * powers[:, None]
    return [jnp.asarray(f(angle), jnp.float32)[:, place, None] for f in (np.cos, np.sin)]


def rotate(x, turn):
    """Rotary positions for [rows, length, heads, size]."""
    cos, sin = turn
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def linear(x, w, lora, name: str):
    """A linear layer with its adapter."""
    return products.adapted(x, w[name], lora[f"{name}.a"], lora[f"{name}.b"], name)


def projections(c: Config, x, w, lora, turn):
    """Queries, scaled, keys and values of a layer, each [rows, length, heads, head]."""
    rows, length = turn[0].shape[:2]
    x = rms(x, w["attn_norm"], c.epsilon)
    q, k, v = (linear(x, w, lora, f"attn_{part}").reshape(rows, length, -1, c.head) for part in "qkv")
    return rotate(rms(q, w["attn_q_norm"], c.epsilon), turn) * c.head**-0.5, rotate(rms(k, w["attn_k_norm"], c.epsilon), turn), v


def attention(c: Config, x, w, lora, mask, turn):
    rows, length = mask.shape[:2]
    q, k, v = projections(c, x, w, lora, turn)
    k = k[:, :, 0]
    # One key head for all query heads: they stand below each other in one product.
    scores = products.matmul(q.swapaxes(1, 2).reshape(rows, c.heads * length, c.head), k, tb=True)
    scores = jnp.where(mask[:, None], scores.reshape(rows, c.heads, length, length), -1e9)
    shares = jax.nn.softmax(scores, -1).reshape(rows, c.heads * length, length)
    mixed = products.matmul(shares, v[:, :, 0]).reshape(rows, c.heads, length, c.head)
    mixed = checkpoint_name(mixed.swapaxes(1, 2).reshape(rows * length, -1), "mixed")
    return linear(mixed, w, lora, "attn_output")


def feed_forward(c: Config, x, w, lora):
    x = rms(x, w["ffn_norm"], c.epsilon)
    gate, up = linear(x, w, lora, "ffn_gate"), linear(x, w, lora, "ffn_up")
    return linear(jax.nn.gelu(gate, approximate=True) * up, w, lora, "ffn_down")


SAVED = (*LINEAR, *(f"{name}.between" for name in LINEAR), "mixed")
"""What the backward pass finds kept; cheap steps in between are done again."""


def hidden(c: Config, weights: dict, lora: dict, tokens, place, segment):
    """Last states [rows * length, width] of rows that hold several texts each: `segment` tells them apart (0 is padding),
    `place` counts within each."""
    length, angles = tokens.shape[1], turns(c, place, tokens.shape[1])
    mask = (segment[:, :, None] == segment[:, None, :]) & (jnp.arange(length)[:, None] >= jnp.arange(length))

    def layer(x, w, factors, far: bool):
        turn = [both[int(far)] for both in angles]
        x = x + rms(attention(c, x, w, factors, mask, turn), w["post_attention_norm"], c.epsilon)
        return x + rms(feed_forward(c, x, w, factors), w["post_ffw_norm"], c.epsilon)

    x = weights["embedding"][tokens].reshape(-1, c.width) * c.width**0.5
    step = jax.checkpoint(layer, policy=jax.checkpoint_policies.save_only_these_names(*SAVED), static_argnums=3)
    for number, w in enumerate(weights["layers"]):
        factors = {name.partition(".")[2]: f for name, f in lora.items() if name.startswith(f"{number}.")}
        x = step(x, w, factors, (number + 1) % GLOBAL_EVERY == 0)
    return rms(x, weights["norm"], c.epsilon)


@jax.custom_vjp
def scores(states, table):
    """The scores of the tokens whose embeddings are the rows of `table`, which is not trained."""
    return products.matmul(states[None], table[None], tb=True)[0]


def _scores_forward(states, table):
    return scores(states, table), table


def _scores_backward(table, g):
    return products.matmul(g[None], table[None])[0], None


scores.defvjp(_scores_forward, _scores_backward)
