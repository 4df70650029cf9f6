"""Qwen 2.5 in JAX, only to answer (`decode.py`): a teacher five times as large as the model it teaches.

Beside Gemma: no norm after a part of a block, none for queries and keys, which have biases; two key heads; its tokeniser is that
of GPT-2 with words cut differently. It is told what to do as ChatML.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from .. import products
from . import container, decode, network
from .rows import NAMES

LINEAR = network.LINEAR
BIASES = ("attn_q", "attn_k", "attn_v")
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SYSTEM = "You are a professional translator. Translate the user's text from {0} to natural, correct {1}. Reply with the translation only."
CONTROL = 3


@dataclass(frozen=True)
class Qwen:
    layers: int
    width: int
    heads: int
    key_heads: int
    epsilon: float
    base: float

    head = property(lambda self: self.width // self.heads)

    def embed(self, w, tokens):
        return w["embedding"][tokens].reshape(-1, self.width)

    def turns(self, place, length):
        half = self.head // 2
        angle = np.arange(length)[:, None] * self.base ** (-np.arange(half) / half)
        return [jnp.asarray(f(angle), jnp.float32)[place, None] for f in (np.cos, np.sin)]

    def project(self, w, layer, x, turns):
        of, (rows, length) = w["layers"][layer], turns[0].shape[:2]
        x = network.rms(x, of["attn_norm"], self.epsilon)
        q, k, v = ((products.fixed(x, of[n]) + of[f"{n}.bias"]).reshape(rows, length, -1, self.head) for n in BIASES)
        return network.rotate(q, turns) * self.head**-0.5, network.rotate(k, turns), v

    def finish(self, w, layer, x, mixed):
        of = w["layers"][layer]
        x = x + products.fixed(mixed, of["attn_output"])
        inner = network.rms(x, of["ffn_norm"], self.epsilon)
        gate, up = products.fixed(inner, of["ffn_gate"]), products.fixed(inner, of["ffn_up"])
        return x + products.fixed(jax.nn.silu(gate) * up, of["ffn_down"])

    def scores(self, w, x):
        return products.fixed(network.rms(x, w["norm"], self.epsilon), w["output"])


def load(path: Path) -> tuple[Qwen, dict, "Chat"]:
    model = container.Gguf(path)
    if model.entry("general.architecture").value[8:] != b"qwen2":
        raise ValueError(f"{path} is not a Qwen 2 model")
    number = lambda key: model.entry(f"qwen2.{key}").number()
    real = lambda key: float(np.frombuffer(model.entry(f"qwen2.{key}").value, "<f4")[0])
    c = Qwen(number("block_count"), number("embedding_length"), number("attention.head_count"), number("attention.head_count_kv"),
             real("attention.layer_norm_rms_epsilon"), real("rope.freq_base"))

    def prepared(name):
        return products.prepare(np.ascontiguousarray(network.dequantised(model, name).T), turned=False)

    def layer(i):
        of = {name: jnp.asarray(network.dequantised(model, f"blk.{i}.{name}.weight")) for name in ("attn_norm", "ffn_norm")}
        of |= {f"{name}.bias": jnp.asarray(network.dequantised(model, f"blk.{i}.{name}.bias")) for name in BIASES}
        return of | {name: jax.block_until_ready(prepared(f"blk.{i}.{name}.weight")) for name in LINEAR}

    tied = not any(t.name == b"output.weight" for t in model.tensors)
    weights = {"layers": [layer(i) for i in range(c.layers)], "embedding": jnp.asarray(network.dequantised(model, "token_embd.weight")),
               "norm": jnp.asarray(network.dequantised(model, "output_norm.weight")), "output": prepared("token_embd.weight" if tied else "output.weight")}
    return c, weights, Chat(model)


ENOUGH = 0.97
SPARE = 12
"""Tokens that a translation may have more than its question: the chat's own, about 45, already stand for many."""


class Teacher:
    """Translates lists of sentences of one direction, the way `synthesise.py` asks for it; empty where no answer came to its end."""

    def __init__(self, path: Path, direction: str, compiled: Path):
        self.direction = direction
        jax.config.update("jax_compilation_cache_dir", str(compiled))
        self.tiles = products.tiles(compiled)
        self.tiles.__enter__()
        self.model, self.weights, self.chat = load(path)

    def __call__(self, sentences: list[str]) -> list[str]:
        questions = [self.chat.question(s, self.direction) for s in sentences]
        written = decode.answers(self.model, self.weights, questions, lambda longest: longest - 45 + SPARE, self.chat.end, enough=ENOUGH)
        return [self.chat.text(tokens) for tokens in written]


class Chat:
    """The tokeniser, and the question that asks for a translation."""

    def __init__(self, model: container.Gguf):
        from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

        pieces = [p.decode() for p in model.entry("tokenizer.ggml.tokens").elements]
        merges = [tuple(m.decode().split(" ")) for m in model.entry("tokenizer.ggml.merges").elements]
        kinds = model.array("tokenizer.ggml.token_type", "<i4")
        self.tokeniser = Tokenizer(models.BPE({p: i for i, p in enumerate(pieces)}, merges))
        self.tokeniser.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        self.tokeniser.decoder = decoders.ByteLevel()
        self.tokeniser.add_special_tokens([AddedToken(pieces[i], special=True, normalized=False) for i in np.flatnonzero(kinds == CONTROL)])
        self.end = self.tokeniser.token_to_id("<|im_end|>")

    def question(self, source: str, direction: str) -> list[int]:
        system = SYSTEM.format(*(NAMES[language] for language in direction.split("-")))
        chat = f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{source}<|im_end|>\n<|im_start|>assistant\n"
        return self.tokeniser.encode(chat, add_special_tokens=False).ids

    def text(self, tokens: list[int]) -> str:
        return " ".join(self.tokeniser.decode(tokens).split())
