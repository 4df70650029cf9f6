"""The trained adapter as a GGUF file that llama.cpp loads beside the model.

`python -m cuba_training.gemma.export --work DIR --output adapter.gguf`. A layer's factors are `lora_a` (rank by
inputs) and `lora_b` (outputs by rank) in float16; `adapter.lora.alpha` is the rank times `--scale`, by which the engine multiplies their
product. Less than one goes a part of the way back to the base model, which may know more than the pairs of training taught
(Wortsman et al. 2021, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
import io
import struct
from pathlib import Path

import numpy as np

from .. import files
from ..train import load
from . import container

UINT32, FLOAT32, FLOAT16 = 4, 6, 1


def text(key: str, value: str) -> container.Entry:
    return container.Entry(key.encode(), container.STRING, struct.pack("<Q", len(value)) + value.encode())


def tensors_of(lora: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    found = []
    for key, factor in lora.items():
        layer, name, side = key.split(".")
        found.append((f"blk.{layer}.{name}.weight.lora_{side}", np.asarray(factor).T))
    return sorted(found)


def to_bytes(lora: dict[str, np.ndarray], architecture: str, name: str, scale: float = 1.0) -> bytes:
    rank = next(factor for name, factor in lora.items() if name.endswith(".a")).shape[-1]
    entries = [text("general.architecture", architecture), text("general.type", "adapter"), text("general.name", name),
               text("adapter.type", "lora"), container.Entry(b"adapter.lora.alpha", FLOAT32, struct.pack("<f", rank * scale))]
    arrays = tensors_of(lora)
    tensors = [container.Tensor(n.encode(), a.shape[::-1], FLOAT16, 0) for n, a in arrays]
    out = io.BytesIO()
    out.write(container.header(3, entries, tensors))
    for _, array in arrays:
        data = np.ascontiguousarray(array, "<f2").tobytes()
        out.write(data + bytes(container.aligned(len(data)) - len(data)))
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=files.default_work() / "gemma")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    args = parser.parse_args()
    state, about = load(args.work / "checkpoint.npz")
    data = to_bytes(state["lora"], "gemma3", "Cuba translation adapter", args.scale)
    files.replace_bytes(args.output, data)
    print(f"{args.output}: {len(data)} bytes after {about['pairs']} pairs")


if __name__ == "__main__":
    main()
