"""Checkpoints to packs: one direction of the averaged weights as a Marian model, float32 and int8.

The direction vector and the vector of human pairs are folded into the tied embedding (`model.py` says why that is
exact), the direction's own biases and layer norms are chosen, and for int8 the activation multipliers ("alphas")
are calibrated on real sentences.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from . import corpus, files, marian, model, reference, train, vocab
from .sources import HUMAN, directions

CALIBRATION_SENTENCES = 128


def model_yml(c: model.Config) -> str:
    """The architecture in Marian's own words."""
    options = {
        "type": "transformer", "dim-emb": c.dim_emb, "dim-rnn": c.dim_emb, "dim-vocabs": f"\n  - {c.vocab}\n  - {c.vocab}",
        "enc-depth": c.enc_depth, "dec-depth": c.dec_depth, "transformer-heads": c.heads, "transformer-dim-ffn": c.dim_ffn,
        "transformer-ffn-depth": 2, "transformer-decoder-ffn-depth": 2, "transformer-ffn-activation": "relu",
        "transformer-decoder-autoreg": "rnn", "dec-cell": "ssru", "transformer-preprocess": '""', "transformer-postprocess": "dan",
        "transformer-postprocess-emb": "d", "transformer-postprocess-top": '""', "transformer-no-projection": "false",
        "transformer-tied-layers": "\n  []", "tied-embeddings-all": "true", "tied-embeddings": "false", "tied-embeddings-src": "false",
        "transformer-train-position-embeddings": "false", "ulr": "false", "skip": "false", "version": "cuba-training 1",
    }
    return "".join(f"{name}:{'' if str(value).startswith(chr(10)) else ' '}{value}\n" for name, value in options.items())


def float_weights(params: dict, c: model.Config, direction: int) -> dict[str, np.ndarray]:
    """Marian's parameters of one direction: matrices [K, N], vectors [1, N]."""
    weights = {}
    for name in model.matrix_shapes(c):
        weights[name] = np.asarray(params[name], np.float32)
    for name in model.vector_shapes(c):
        weights[name] = np.asarray(params[name][direction], np.float32)[None]
    weights["Wemb"] = weights["Wemb"] + params["direction"][direction] + params["kind"][HUMAN]
    return weights


def float_items(weights: dict, c: model.Config) -> list[marian.Item]:
    items = [marian.Item(n, marian.FLOAT32, w.shape, w.astype("<f4")) for n, w in sorted(weights.items())]
    return [*items, marian.text(marian.CONFIG_ITEM, model_yml(c))]


def alphas(weights: dict, c: model.Config, sentences: list[list[int]]) -> dict[str, float]:
    """The multiplier of each product's input that makes its rounding error smallest on real sentences."""
    engine = reference.Reference({i.name: i for i in float_items(weights, c)})
    seen: dict[str, list[np.ndarray]] = {}
    engine.observe = lambda name, x: seen.setdefault(name, []).append(x.reshape(-1)[:: max(1, x.size // 20_000)].copy())
    for begin in range(0, len(sentences), 32):
        engine.greedy(sentences[begin:begin + 32])
    return {name: best_multiplier(np.concatenate(parts)) for name, parts in seen.items()}


def best_multiplier(values: np.ndarray) -> float:
    """127 / limit for the clipping limit with the least squared error."""
    magnitudes = np.abs(values.astype(np.float64))
    top = max(magnitudes.max(), 1e-6)
    def error(limit):
        scale = 127 / limit
        return ((np.clip(np.rint(values * scale), -127, 127) / scale - values) ** 2).sum()
    return float(127 / min(top * np.linspace(0.4, 1.0, 25), key=error))


def int8_items(weights: dict, c: model.Config, multipliers: dict[str, float]) -> list[marian.Item]:
    items = []
    for name, w in sorted(weights.items()):
        if name not in model.matrix_shapes(c):
            items.append(marian.Item(name, marian.FLOAT32, w.shape, w.astype("<f4")))
            continue
        items.append(marian.quantise(name, w))
        if name != "Wemb":
            items.append(marian.scalar(f"{name}_QuantMultA", multipliers[name]))
    items.append(marian.scalar("none_QuantMultA", multipliers["none"]))
    return [*items, marian.text(marian.CONFIG_ITEM, model_yml(c))]


def calibration(work: Path, processor, direction: int, count: int = CALIBRATION_SENTENCES) -> list[list[int]]:
    """Sentences of several human sources, tokenised, none from an evaluation set."""
    chosen = []
    names = [n for n in ("tatoeba-manythings", "europarl-sample", "canada-notify", "mintaka", "vita-min") if (work / "corpus" / f"{n}.tsv").exists()] or ["templates"]
    for name in names:
        pairs = list(corpus.read_pairs(work / "corpus" / f"{name}.tsv"))
        chosen += [p[direction] for p in pairs[:: max(1, len(pairs) * len(names) // count)]][: count // len(names)]
    return [processor.encode(text)[:100] + [vocab.EOS] for text in chosen]


def file_names(pair: str) -> tuple[str, str, str]:
    """int8 model, float32 model, vocabulary: `pair` without its hyphen, as Firefox names them."""
    short = pair.replace("-", "")
    return f"model.{short}.intgemm.alphas.bin", f"model.{short}.float32.bin", f"vocab.{short}.spm"


def export(params: dict, c: model.Config, direction: int, spm_path: Path, sentences: list[list[int]], folder: Path, pair: str, with_float: bool = False) -> Path:
    """Write the pack of `pair`, the run's direction 0 or 1; each file is replaced atomically, the model last."""
    int8_name, float_name, vocab_name = file_names(pair)
    weights = float_weights(params, c, direction)
    files.replace_bytes(folder / vocab_name, spm_path.read_bytes())
    if with_float:
        files.replace_bytes(folder / float_name, marian.write(float_items(weights, c)))
    multipliers = alphas(weights, c, sentences)
    files.replace_bytes(folder / int8_name, marian.write(int8_items(weights, c, multipliers)))
    return folder / int8_name


def averaged(paths: list[Path]) -> tuple[dict, model.Config, dict]:
    """The mean of the moving averages of several checkpoints of one run, and the last one's description."""
    total, about = None, {}
    for path in paths:
        state, about = train.load(path)
        mean = {n: v.astype(np.float64) for n, v in state["mean"].items()}
        total = mean if total is None else {n: total[n] + mean[n] for n in total}
        about["step"] = int(state["step"])
    return {n: (v / len(paths)).astype(np.float32) for n, v in total.items()}, model.Config(**about["config"]), about


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work())
    parser.add_argument("--run", default="both")
    parser.add_argument("--checkpoint", type=Path, nargs="+", help="checkpoints to average (default: the run's newest)")
    parser.add_argument("--output", type=Path, help="folder for the packs (default: WORK/export)")
    parser.add_argument("--direction", default="both", help="one direction only, such as en-es")
    parser.add_argument("--float", action="store_true", help="also write the float32 model")
    args = parser.parse_args()
    params, c, about = averaged(args.checkpoint or [args.work / args.run / "checkpoint.npz"])
    processor = vocab.load(args.work / "vocab.spm")
    for direction, pair in enumerate(directions(about["pair"])):
        if args.direction in (pair, "both"):
            folder = (args.output or args.work / "export") / pair
            sentences = calibration(args.work, processor, direction)
            path = export(params, c, direction, args.work / "vocab.spm", sentences, folder, pair, args.float)
            files.replace_text(folder / "training.json", json.dumps(about, indent=1))
            print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
