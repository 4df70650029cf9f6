"""Translations by an adapter in training, a line each, hundreds of them in a minute: to choose between checkpoints and scales.

`python -m cuba_training.gemma.answer --model SMALL.gguf --checkpoint DIR/checkpoint.npz --direction es-en --scale 0.8 <LINES >ANSWERS`.
Greedy and without the engine's pipeline: for the figures of a pack run `scripts/eval translate` instead.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from .. import files, products
from ..train import load
from . import container, decode, network, rows, tokens


def translations(model: Path, checkpoint: Path, direction: str, scale: float, lines: list[str]) -> list[str]:
    encoder = rows.Encoder(tokens.of(container.Gguf(model)))
    c, weights = network.load(model)
    lora = load(checkpoint)[0]["lora"]
    weights["lora"] = {name: jnp.asarray(factor) * (scale if name.endswith(".b") else 1.0) for name, factor in lora.items()}
    weights["output"] = products.prepare(np.ascontiguousarray(np.asarray(weights["embedding"]).T), turned=False)
    questions = [encoder.question(line, direction) for line in lines]
    answers = decode.answers(decode.Gemma(c), weights, questions, lambda longest: longest * 5 // 4 + 8, encoder.eos)
    return [" ".join(encoder.spm.decode(answer).split()) for answer in answers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the trimmed GGUF")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--direction", required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="of the adapter, as in export")
    args = parser.parse_args()
    compiled = files.default_work() / "compiled"
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    with products.tiles(compiled):
        for line in translations(args.model, args.checkpoint, args.direction, args.scale, [line.rstrip("\n") for line in sys.stdin]):
            print(line)


if __name__ == "__main__":
    main()
