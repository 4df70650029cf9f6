"""Golden gradients of the tiny fixture model, for the trainer that runs on users' devices to be checked against.

`golden.gradients.json`: token pairs, the loss, and for every weight of the decoder the length and the sum of its
gradient and its first values. Remake: `python -m cuba_training.gradients --fixtures fixtures`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import jax
import numpy as np

from . import files, marian, model, reference, vocab

SMOOTHING = 0.1
FIRST = 6
PAIRS = [("Hello.", "Hola."), ("I am tired.", "Estoy cansado."), ("Where is the station?", "¿Dónde está la estación?")]


def load(path: Path) -> tuple[dict, model.Config]:
    """The parameters of an exported float32 model, one direction of two (the other is a copy)."""
    items = marian.load(path)
    options = reference.settings(bytes(items[marian.CONFIG_ITEM].values).decode())
    dim = int(options["dim-emb"])
    c = model.Config(dim, int(options["transformer-dim-ffn"]), int(options["transformer-heads"]), int(options["enc-depth"]),
                     int(options["dec-depth"]), items["Wemb"].values.shape[0])
    params = {n: np.asarray(items[n].values, np.float32) for n in model.matrix_shapes(c)}
    for name in model.vector_shapes(c):
        params[name] = np.repeat(np.asarray(items[name].values, np.float32).reshape(1, -1), 2, 0)
    params["direction"] = np.zeros((2, dim), np.float32)
    params["kind"] = np.zeros((model.KINDS, dim), np.float32)
    return params, c


def batch(rows: list[tuple[list[int], list[int]]], c: model.Config) -> dict:
    """One row a pair, nothing packed, every word a candidate."""
    length = max(max(len(s), len(t)) for s, t in rows)
    empty = lambda: np.zeros((len(rows), length), np.int32)  # noqa: E731
    src, trg_in, segments, before, labels = empty(), empty(), empty(), empty(), empty() - 1
    for at, (source, target) in enumerate(rows):
        src[at, :len(source)], segments[at, :len(source)] = source, 1
        trg_in[at, 1:len(target)], before[at, :len(target)] = target[:-1], 1
        labels[at, :len(target)] = target
    positions = np.broadcast_to(np.arange(length, dtype=np.int32), src.shape)
    start = (positions == 0).astype(np.float32)
    return {"src": src, "trg_in": trg_in, "src_seg": segments, "trg_seg": before, "src_pos": positions, "trg_pos": positions,
            "trg_start": start, "src_kind": empty(), "trg_kind": empty(), "src_keep": np.ones(src.shape, np.float32), "labels": labels,
            "candidates": np.arange(c.vocab), "log_weight": np.zeros(c.vocab, np.float32), "direction": 0}


def golden(folder: Path) -> dict:
    params, c = load(folder / "model.enes.float32.bin")
    processor = vocab.load(folder / "vocab.enes.spm")
    rows = [(processor.encode(s) + [vocab.EOS], processor.encode(t) + [vocab.EOS]) for s, t in PAIRS]
    made = batch(rows, c)
    objective = lambda p: model.loss(p, c, made, SMOOTHING)  # noqa: E731
    (value, _), grads = jax.value_and_grad(objective, has_aux=True)(params)
    out = {}
    for name, g in sorted(grads.items()):
        if name.startswith("decoder_"):
            g = np.asarray(g, np.float64)
            g = (g[0] if name in model.vector_shapes(c) else g).reshape(-1)
            out[name] = [float(f"{v:.7g}") for v in [np.linalg.norm(g), g.sum(), *g[:FIRST]]]
    return {"pairs": rows, "smoothing": SMOOTHING, "loss": float(value), "gradients": out}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fixtures", type=Path, required=True)
    args = parser.parse_args()
    files.replace_text(args.fixtures / "golden.gradients.json", json.dumps(golden(args.fixtures), indent=0))


if __name__ == "__main__":
    main()
