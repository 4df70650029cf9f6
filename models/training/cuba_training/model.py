"""The network, in JAX: a Marian student (post-norm transformer encoder, SSRU decoder, all embeddings tied).

One set of weights learns both directions. What tells them apart are vectors only: every bias and layer-norm
vector exists once per direction, and a learned direction vector is added to every embedding. Adding one vector
to all rows of a tied embedding matrix shifts all logits of a step by the same number, which softmax does not
see; so `export.py` folds it into `Wemb` and each direction becomes a plain Marian model with no tag token.
The kind of pair (human, back-translated, ...) is told in the same way.

Sentences are packed into rows of fixed length (`batches.py`); attention is confined to a sentence by its segment
number, and the SSRU's state is cleared where a sentence starts. So there is one shape to compile and next to no
padding.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import jax
import jax.numpy as jnp
import numpy as np

from .products import dense, matmul

KINDS = 4
LAYER_NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class Config:
    """Sizes, named as in Marian's `special:model.yml`."""

    dim_emb: int = 256
    dim_ffn: int = 1024
    heads: int = 4
    enc_depth: int = 6
    dec_depth: int = 2
    vocab: int = 12_000

    def as_dict(self) -> dict:
        return asdict(self)


def matrix_shapes(c: Config) -> dict[str, tuple[int, int]]:
    d, f = c.dim_emb, c.dim_ffn
    shapes = {"Wemb": (c.vocab, d)}
    for i in range(1, c.enc_depth + 1):
        shapes |= {f"encoder_l{i}_self_W{x}": (d, d) for x in "qkvo"}
        shapes |= {f"encoder_l{i}_ffn_W1": (d, f), f"encoder_l{i}_ffn_W2": (f, d)}
    for i in range(1, c.dec_depth + 1):
        shapes |= {f"decoder_l{i}_rnn_W": (d, d), f"decoder_l{i}_rnn_Wf": (d, d)}
        shapes |= {f"decoder_l{i}_context_W{x}": (d, d) for x in "qkvo"}
        shapes |= {f"decoder_l{i}_ffn_W1": (d, f), f"decoder_l{i}_ffn_W2": (f, d)}
    return shapes


def vector_shapes(c: Config) -> dict[str, tuple[int, float]]:
    """Length and initial value of every vector."""
    d, f = c.dim_emb, c.dim_ffn
    shapes: dict[str, tuple[int, float]] = {"decoder_ff_logit_out_b": (c.vocab, 0.0)}

    def norm(base):
        shapes[f"{base}_ln_scale"] = (d, 1.0)
        shapes[f"{base}_ln_bias"] = (d, 0.0)

    def attention(base):
        for x in "qkvo":
            shapes[f"{base}_b{x}"] = (d, 0.0)
        norm(f"{base}_Wo")

    def ffn(base):
        shapes[f"{base}_b1"] = (f, 0.0)
        shapes[f"{base}_b2"] = (d, 0.0)
        norm(f"{base}_ffn")

    for i in range(1, c.enc_depth + 1):
        attention(f"encoder_l{i}_self")
        ffn(f"encoder_l{i}_ffn")
    for i in range(1, c.dec_depth + 1):
        shapes[f"decoder_l{i}_rnn_bf"] = (d, 0.0)
        norm(f"decoder_l{i}_rnn_ffn")
        attention(f"decoder_l{i}_context")
        ffn(f"decoder_l{i}_ffn")
    return shapes


def initial(c: Config, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    params = {}
    for name, (rows, columns) in matrix_shapes(c).items():
        deviation = 0.5 * c.dim_emb**-0.5 if name == "Wemb" else (2.0 / (rows + columns)) ** 0.5
        params[name] = rng.normal(0, deviation, (rows, columns)).astype(np.float32)
    for name, (length, value) in vector_shapes(c).items():
        params[name] = np.full((2, length), value, np.float32)
    params["direction"] = rng.normal(0, 0.2 * c.dim_emb**-0.5, (2, c.dim_emb)).astype(np.float32)
    params["kind"] = np.zeros((KINDS, c.dim_emb), np.float32)
    return params


def positions_table(length: int, dim: int) -> np.ndarray:
    """Marian's sinusoids: the first half of the columns sines, the second half cosines."""
    half = dim // 2
    rates = np.exp(np.arange(half) * -(np.log(10000.0) / (half - 1)))
    angles = np.arange(length)[:, None] * rates[None, :]
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)


def layer_norm(x, scale, bias):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + LAYER_NORM_EPSILON) * scale + bias


def attention(q, k, v, mask, heads):
    """q [R, T, d], k and v [R, S, d], mask [R, T, S] additive."""
    r, t, d = q.shape
    s, h = k.shape[1], d // heads

    def split(x):  # [R, L, d] -> [R * heads, L, h]
        return x.reshape(r, -1, heads, h).swapaxes(1, 2).reshape(r * heads, -1, h)

    scores = matmul(split(q * (h**-0.5)), split(k), tb=True).reshape(r, heads, t, s) + mask[:, None]
    mixed = matmul(jax.nn.softmax(scores, -1).reshape(r * heads, t, s), split(v))
    return mixed.reshape(r, heads, t, h).swapaxes(1, 2).reshape(r, t, d)


def ssru(x, w, wf, bf, starts):
    """c = sigmoid(f) * c_before + (1 - sigmoid(f)) * x W, c cleared at sentence starts; returns relu(c)."""
    gate = jax.nn.sigmoid(dense(x, wf, bf))
    fresh = (1 - gate) * dense(x, w)
    carry = gate * (1 - starts)[..., None]

    def step(c, inputs):
        a, b = inputs
        c = a * c + b
        return c, c

    first = jnp.zeros_like(fresh[:, 0])
    _, cells = jax.lax.scan(step, first, (carry.swapaxes(0, 1), fresh.swapaxes(0, 1)), unroll=8)
    return jax.nn.relu(cells.swapaxes(0, 1))


def ffn(p, base, x):
    y = dense(jax.nn.relu(dense(x, p[f"{base}_W1"], p[f"{base}_b1"])), p[f"{base}_W2"], p[f"{base}_b2"])
    return layer_norm(x + y, p[f"{base}_ffn_ln_scale"], p[f"{base}_ffn_ln_bias"])


def attend(p, base, x, k, v, mask, heads):
    y = attention(dense(x, p[f"{base}_Wq"], p[f"{base}_bq"]), k, v, mask, heads)
    y = dense(y, p[f"{base}_Wo"], p[f"{base}_bo"])
    return layer_norm(x + y, p[f"{base}_Wo_ln_scale"], p[f"{base}_Wo_ln_bias"])


def decoder_tops(params: dict, c: Config, batch: dict):
    """The decoder's last layer [R, T, d] for a packed batch of one direction (teacher forcing).

    `batch`: src, trg_in [R, L] ids (trg_in 0 at starts), src_seg, trg_seg [R, L] sentence numbers (0 = padding),
    src_pos, trg_pos, trg_start, src_kind, trg_kind [R, L], src_keep [R, L] (0 where a source word is dropped).
    """
    vectors = vector_shapes(c).keys()
    p = {n: (v[batch["direction"]] if n in vectors else v) for n, v in params.items()}
    tag = p["direction"][batch["direction"]] + p["kind"]  # [KINDS, d]
    table = jnp.asarray(positions_table(batch["src"].shape[1], c.dim_emb))
    scale = c.dim_emb**0.5

    def embed(ids, kinds, live):
        return (p["Wemb"][ids] + tag[kinds]) * (scale * live)[..., None]

    def mask(a, b):
        return jnp.where(a[:, :, None] == b[:, None, :], 0.0, -1e9)

    x = embed(batch["src"], batch["src_kind"], batch["src_keep"]) + table[batch["src_pos"]]
    self_mask = mask(batch["src_seg"], batch["src_seg"])
    for i in range(1, c.enc_depth + 1):
        base = f"encoder_l{i}_self"
        k, v = dense(x, p[f"{base}_Wk"], p[f"{base}_bk"]), dense(x, p[f"{base}_Wv"], p[f"{base}_bv"])
        x = ffn(p, f"encoder_l{i}_ffn", attend(p, base, x, k, v, self_mask, c.heads))

    y = embed(batch["trg_in"], batch["trg_kind"], 1.0 - batch["trg_start"]) + table[batch["trg_pos"]]
    cross_mask = mask(batch["trg_seg"], batch["src_seg"])
    for i in range(1, c.dec_depth + 1):
        base = f"decoder_l{i}_rnn"
        h = ssru(y, p[f"{base}_W"], p[f"{base}_Wf"], p[f"{base}_bf"], batch["trg_start"])
        y = layer_norm(y + h, p[f"{base}_ffn_ln_scale"], p[f"{base}_ffn_ln_bias"])
        base = f"decoder_l{i}_context"
        k, v = dense(x, p[f"{base}_Wk"], p[f"{base}_bk"]), dense(x, p[f"{base}_Wv"], p[f"{base}_bv"])
        y = ffn(p, f"decoder_l{i}_ffn", attend(p, base, y, k, v, cross_mask, c.heads))
    return y, p


def loss(params: dict, c: Config, batch: dict, smoothing: float):
    """Cross entropy per target token over the batch's candidate words, and the token count.

    `candidates` [K] holds all words of the batch's targets and a random sample of the others, whose weight
    `log_weight` [K] is how many words each stands for: an estimate of the full softmax at a fifth of its cost.
    `labels` [R, T] index into `candidates`, -1 where nothing is to be predicted.
    """
    tops, p = decoder_tops(params, c, batch)
    tops = tops.reshape(-1, c.dim_emb)
    labels = batch["labels"].reshape(-1)
    live = labels >= 0
    logits = dense(tops, p["Wemb"][batch["candidates"]], p["decoder_ff_logit_out_b"][batch["candidates"]], transposed=True)
    normaliser = jax.nn.logsumexp(logits + batch["log_weight"], -1)
    chosen = jnp.take_along_axis(logits, jnp.maximum(labels, 0)[:, None], 1)[:, 0]
    nll = normaliser - chosen
    smooth = normaliser - logits.mean(-1)
    count = live.sum()
    total = jnp.where(live, (1 - smoothing) * nll + smoothing * smooth, 0.0).sum()
    return total / count, (jnp.where(live, nll, 0.0).sum() / count, count)
