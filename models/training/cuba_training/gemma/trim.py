"""A GGUF model without the tokens that are not wanted: their rows go, nothing else changes.

`python -m cuba_training.gemma.trim --model BASE.gguf --keep kept-tokens.bin --output SMALL.gguf`. Users build the same file with
`cuba packs add`; the digest in the catalogue says that it is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import files
from . import container

TABLES = (b"tokenizer.ggml.tokens", b"tokenizer.ggml.scores", b"tokenizer.ggml.token_type")
EMBEDDINGS = (b"token_embd.weight", b"output.weight")


def read_keep(path: Path) -> np.ndarray:
    """The kept token ids, rising, from a bitmap: bit `i % 8` of byte `i // 8` is token `i`."""
    return np.flatnonzero(np.unpackbits(np.frombuffer(path.read_bytes(), np.uint8), bitorder="little"))


def write_keep(path: Path, kept: np.ndarray, vocabulary: int) -> None:
    bits = np.zeros(-(-vocabulary // 8) * 8, np.uint8)
    bits[kept] = 1
    files.replace_bytes(path, np.packbits(bits, bitorder="little").tobytes())


def cut_entry(entry: container.Entry, kept: np.ndarray) -> container.Entry:
    if entry.key in TABLES:
        return replace(entry, elements=tuple(entry.elements[i] for i in kept))
    if entry.key.startswith(b"tokenizer.ggml.") and entry.key.endswith(b"_token_id"):
        place = int(np.searchsorted(kept, entry.number()))
        if place == len(kept) or kept[place] != entry.number():
            raise ValueError(f"{entry.key.decode()} is token {entry.number()}, which is not kept")
        return replace(entry, value=struct.pack("<I", place))
    return entry


def trim(source: container.Gguf, kept: np.ndarray, output: Path) -> str:
    """Writes the smaller model; its sha256."""
    vocabulary = len(source.entry("tokenizer.ggml.tokens").elements)
    entries = [cut_entry(e, kept) for e in source.entries]
    cut = {t.name: t.name in EMBEDDINGS and t.dims[1:] == (vocabulary,) for t in source.tensors}
    tensors = [replace(t, dims=(t.dims[0], len(kept))) if cut[t.name] else t for t in source.tensors]
    digest = hashlib.sha256()
    partial = output.with_name(output.name + ".partial")
    with open(partial, "wb") as out:
        def put(data: bytes) -> None:
            out.write(data)
            digest.update(data)

        put(container.header(source.version, entries, tensors))
        for tensor in source.tensors:
            rows = source.rows_of(tensor)
            rows = rows[kept] if cut[tensor.name] else rows
            put(rows.tobytes())
            put(bytes(container.aligned(rows.size) - rows.size))
    partial.replace(output)
    return digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    digest = trim(container.Gguf(args.model), read_keep(args.keep), args.output)
    print(f"{digest} {args.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
