"""GGUF files as bytes: the header taken apart without interpreting what need not change.

Format: `magic u32 | version u32 | tensors u64 | keys u64 | key-values | tensor infos | padding | data`, little endian
(https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). The same cuts as in `core/packs/src/trim`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

STRING, ARRAY = 8, 9
WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# ggml type: numbers a block, bytes a block; the formats of the base model and of adapters.
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 12: (256, 144), 13: (256, 176), 14: (256, 210)}
ALIGNMENT = 32


@dataclass(frozen=True)
class Entry:
    """A key with the bytes of its value; of an array also the bytes of each element."""

    key: bytes
    kind: int
    value: bytes
    element: int | None = None
    elements: tuple[bytes, ...] = ()

    def number(self) -> int:
        return struct.unpack("<I", self.value)[0]

    def to_bytes(self) -> bytes:
        body = self.value
        if self.kind == ARRAY:
            texts = (struct.pack("<Q", len(e)) + e for e in self.elements) if self.element == STRING else self.elements
            body = struct.pack("<IQ", self.element, len(self.elements)) + b"".join(texts)
        return struct.pack("<Q", len(self.key)) + self.key + struct.pack("<I", self.kind) + body


@dataclass(frozen=True)
class Tensor:
    name: bytes
    dims: tuple[int, ...]
    kind: int
    offset: int

    def row_bytes(self) -> int:
        numbers, size = BLOCKS[self.kind]
        return self.dims[0] // numbers * size

    def rows(self) -> int:
        return int(np.prod(self.dims[1:], dtype=np.int64))

    def to_bytes(self) -> bytes:
        dims = struct.pack(f"<I{len(self.dims)}Q", len(self.dims), *self.dims)
        return struct.pack("<Q", len(self.name)) + self.name + dims + struct.pack("<IQ", self.kind, self.offset)


class Gguf:
    """A file's header, and its data as a memory map."""

    def __init__(self, path: Path):
        self.data = np.memmap(path, np.uint8, "r")
        self.at = 0
        magic, self.version, tensors, keys = struct.unpack("<4sIQQ", self._take(24))
        if magic != b"GGUF" or self.version not in (2, 3):
            raise ValueError(f"{path} is not a GGUF file of version 2 or 3")
        self.entries = [self._entry() for _ in range(keys)]
        self.tensors = [self._tensor() for _ in range(tensors)]
        self.data_start = aligned(self.at)

    def _take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at].tobytes()

    def _string(self) -> bytes:
        return self._take(struct.unpack("<Q", self._take(8))[0])

    def _entry(self) -> Entry:
        key, kind = self._string(), struct.unpack("<I", self._take(4))[0]
        if kind == STRING:
            text = self._string()
            return Entry(key, kind, struct.pack("<Q", len(text)) + text)
        if kind != ARRAY:
            return Entry(key, kind, self._take(WIDTHS[kind]))
        element, count = struct.unpack("<IQ", self._take(12))
        if element == STRING:
            return Entry(key, kind, b"", element, tuple(self._string() for _ in range(count)))
        width, body = WIDTHS[element], self._take(WIDTHS[element] * count)
        return Entry(key, kind, b"", element, tuple(body[i : i + width] for i in range(0, len(body), width)))

    def _tensor(self) -> Tensor:
        name, (count,) = self._string(), struct.unpack("<I", self._take(4))
        dims = struct.unpack(f"<{count}Q", self._take(8 * count))
        return Tensor(name, dims, *struct.unpack("<IQ", self._take(12)))

    def entry(self, key: str) -> Entry:
        return next(e for e in self.entries if e.key == key.encode())

    def array(self, key: str, kind: str) -> np.ndarray:
        return np.frombuffer(b"".join(self.entry(key).elements), kind)

    def tensor(self, name: str) -> Tensor:
        return next(t for t in self.tensors if t.name == name.encode())

    def rows_of(self, tensor: Tensor) -> np.ndarray:
        """The tensor's bytes, a row of numbers a row."""
        begin = self.data_start + tensor.offset
        return self.data[begin : begin + tensor.rows() * tensor.row_bytes()].reshape(tensor.rows(), tensor.row_bytes())


def aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def header(version: int, entries: list[Entry], tensors: list[Tensor]) -> bytes:
    """The header with its padding; the tensors' offsets are laid out anew, in their order."""
    parts = [struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(entries)), *(e.to_bytes() for e in entries)]
    offset = 0
    for tensor in tensors:
        parts.append(replace(tensor, offset=offset).to_bytes())
        offset += aligned(tensor.rows() * tensor.row_bytes())
    head = b"".join(parts)
    return head + bytes(aligned(len(head)) - len(head))
