"""A first embedding in which translations already lie near each other, so that little training goes a long way.

Every sentence pair is one document that holds the pieces of both sides; the largest singular vectors of the
piece-by-document matrix give pieces that occur in the same pairs the same direction ("cross-lingual latent semantic
indexing", Dumais et al. 1997). The tied embedding starts from there, the cross attention looks at the
source words near the target position and passes them through unchanged, and the output biases start at each language's word frequencies: the untrained network
is a blurred word-for-word dictionary instead of noise.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import scipy.sparse as sparse

from . import corpus, files, model, vocab
from .sources import FORWARD

PER_SOURCE = 30_000
POWER_STEPS, OVERSAMPLE = 2, 32
NOISE = 0.35
ROW_NORM, CONTEXT = 0.5, 2.0
"""Length of the first embedding rows and scale of the first cross attention: of those tried (0.25 to 1, 1 to 6), the
untrained network's cross entropy was lowest here: 6.5 nats a token, 6.8 with the biases alone and 9.4 without a warm start."""
BRANCH, PEAK = 0.35, 8.0
"""Scale of the matrices that end a residual branch: post-norm layers start close to the identity."""


def documents(work: Path, processor, seed: int = 2):
    """Tokenised (English, Spanish) of at most `PER_SOURCE` pairs of every entry."""
    rng = np.random.default_rng(seed)
    for entry in corpus.read_mixture(work / "corpus")[1]:
        pairs = list(corpus.read_pairs(work / "corpus" / entry["file"]))
        if FORWARD in corpus.roles(entry):
            continue
        if len(pairs) > PER_SOURCE:
            pairs = [pairs[i] for i in rng.choice(len(pairs), PER_SOURCE, replace=False)]
        for side in zip(processor.encode([p[0] for p in pairs]), processor.encode([p[1] for p in pairs])):
            yield side


def matrix(docs, size: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Pieces by documents, weighted by rarity and length; and the piece counts per language [2, size]."""
    columns, rows, values = [], [], []
    counts = np.ones((2, size))
    lengths = []
    for number, sides in enumerate(docs):
        for language, ids in enumerate(sides):
            for piece in ids:
                counts[language, piece] += 1
            counts[language, vocab.EOS] += 1
        pieces = np.array(sorted({*sides[0], *sides[1]}))
        rows.append(pieces)
        columns.append(np.full(len(pieces), number))
        lengths.append(len(pieces))
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    number = len(lengths)
    frequency = np.bincount(rows, minlength=size) + 1
    values = (np.log(number / frequency)[rows] / np.sqrt(np.array(lengths)[columns])).astype(np.float32)
    return sparse.csr_matrix((values, (rows, columns)), (size, number)), counts


def embedding(x: sparse.csr_matrix, dim: int, seed: int = 3) -> np.ndarray:
    """Left singular vectors (randomised range finder), each scaled by the root of its value, rows of one length."""
    rng = np.random.default_rng(seed)
    q = x @ rng.normal(size=(x.shape[1], dim + OVERSAMPLE)).astype(np.float32)
    for _ in range(POWER_STEPS):
        q, _ = np.linalg.qr(q)
        q = x @ (x.T @ q)
    q, _ = np.linalg.qr(q)
    b = x.T @ q
    squares, u = np.linalg.eigh(b.T @ b)  # ascending: the largest singular values are last
    rows = (q @ u)[:, -dim:] * np.maximum(squares[-dim:], 0) ** 0.25
    # Turn the axes at random: otherwise the first columns would carry nearly everything.
    turn, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    rows = rows @ turn
    rows /= np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6
    rows += NOISE * rng.normal(0, dim**-0.5, rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make(work: Path, dim: int) -> Path:
    processor = vocab.load(work / "vocab.spm")
    x, counts = matrix(documents(work, processor), processor.get_piece_size())
    data = io.BytesIO()
    bias = np.log(counts / counts.sum(1, keepdims=True)).astype(np.float32)
    np.savez(data, embedding=embedding(x, dim), bias=bias[::-1])  # direction 0 writes the second language
    files.replace_bytes(work / f"warm-{dim}.npz", data.getvalue())
    return work / f"warm-{dim}.npz"


def apply(params: dict[str, np.ndarray], c: model.Config, path: Path) -> None:
    """Put the warm start into freshly made weights."""
    with np.load(path) as warm:
        if warm["embedding"].shape != (c.vocab, c.dim_emb):
            raise ValueError(f"{path} is for another vocabulary or width: delete it and run `python -m cuba_training.warmstart`")
        params["Wemb"] = np.float32(ROW_NORM) * warm["embedding"]
        params["decoder_ff_logit_out_b"] = warm["bias"] - warm["bias"].mean(1, keepdims=True)
    for name, value in params.items():
        if name.endswith(("_self_Wo", "_ffn_W2")):
            params[name] = value * np.float32(BRANCH)
    for i in range(1, c.dec_depth + 1):
        params[f"decoder_l{i}_context_Wv"] = np.eye(c.dim_emb, dtype=np.float32)
        params[f"decoder_l{i}_context_Wo"] = np.float32(CONTEXT) * np.eye(c.dim_emb, dtype=np.float32)
        for w in "qk":
            params[f"decoder_l{i}_context_W{w}"] = same_place(c)


def same_place(c: model.Config) -> np.ndarray:
    """A projection for queries and keys under which a target position prefers source positions near its own.

    Each head gets sine and cosine of every `heads`-th rate, so its score is a sum of cosines of the distance; the
    fast rates count most, which makes the peak a few words wide.
    """
    half, per_head = c.dim_emb // 2, c.dim_emb // c.heads
    projection = np.zeros((c.dim_emb, c.dim_emb), np.float32)
    for head in range(c.heads):
        rates = np.arange(head, half, c.heads)[: per_head // 2]
        weights = PEAK**0.5 * np.exp(-rates / (half / 4) / 2)
        for column, (rate, weight) in enumerate(zip(rates, weights)):
            projection[rate, head * per_head + column] = weight
            projection[half + rate, head * per_head + per_head // 2 + column] = weight
    return projection


def neighbours(work: Path, dim: int, words: list[str], count: int = 6) -> None:
    processor = vocab.load(work / "vocab.spm")
    with np.load(work / f"warm-{dim}.npz") as warm:
        rows = warm["embedding"] / np.linalg.norm(warm["embedding"], axis=1, keepdims=True)
    for word in words:
        near = np.argsort(-(rows @ rows[processor.encode(word)[0]]))[:count]
        print(word, [processor.id_to_piece(int(i)) for i in near])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--dim", type=int, default=256)
    args = parser.parse_args()
    print(make(args.work, args.dim))
    neighbours(args.work, args.dim, ["dog", "fever", "hospital", "left", "house", "not", "never", "tomorrow"])


if __name__ == "__main__":
    main()
