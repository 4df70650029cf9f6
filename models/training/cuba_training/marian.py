"""Reader and writer of Marian's binary model container (`model.*.bin`), version 1, little-endian.

    version u64 = 1 | items u64
    per item: name length u64 (with its NUL) | type u64 | dimensions u64 | data length u64
    names, NUL-terminated | shapes i32
    gap u64 | that many zero bytes, so that the data starts at a multiple of 256
    data blocks, each padded to a multiple of 256

Types: float32 0x404, int8 0x101, intgemm8 0x4101. An intgemm8 matrix used as `x [m, K] * W [K, N]` is declared
`[K, N]` and stored transposed, `[N, K]`, row after row, followed by its float32 multiplier (127 / largest
absolute value); the tied embedding `Wemb` is declared and stored `[vocab, dim]`. Float matrices are stored as
declared.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FLOAT32, INT8, INTGEMM8 = 0x404, 0x101, 0x4101
ALIGN = 256
CONFIG_ITEM = "special:model.yml"


@dataclass
class Item:
    """A named tensor. For INTGEMM8, `values` is int8 as stored (transposed) and `multiplier` its scale."""

    name: str
    kind: int
    shape: tuple[int, ...]
    values: np.ndarray
    multiplier: float = 1.0

    def block(self) -> bytes:
        data = np.ascontiguousarray(self.values).tobytes()
        if self.kind == INTGEMM8:
            data += struct.pack("<f", self.multiplier)
        return data + bytes(-len(data) % ALIGN)


def write(items: list[Item]) -> bytes:
    names = [item.name.encode() + b"\0" for item in items]
    blocks = [item.block() for item in items]
    head = struct.pack("<QQ", 1, len(items))
    for item, name, block in zip(items, names, blocks):
        head += struct.pack("<QQQQ", len(name), item.kind, len(item.shape), len(block))
    head += b"".join(names) + b"".join(struct.pack(f"<{len(i.shape)}i", *i.shape) for i in items)
    gap = -(len(head) + 8) % ALIGN
    return head + struct.pack("<Q", gap) + bytes(gap) + b"".join(blocks)


def read(data: bytes) -> dict[str, Item]:
    """Items by name. Raises ValueError with what is wrong for anything that is not such a container."""
    try:
        return _read(data)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"not a whole Marian model: {error}") from error


def _read(data: bytes) -> dict[str, Item]:
    version, count = struct.unpack_from("<QQ", data, 0)
    if version != 1 or count > 100_000:
        raise ValueError(f"not a Marian model: version {version}, {count} items")
    at = 16
    heads = [struct.unpack_from("<QQQQ", data, at + 32 * i) for i in range(count)]
    at += 32 * count
    names = []
    for length, *_ in heads:
        names.append(data[at:at + length].rstrip(b"\0").decode())
        at += length
    shapes = []
    for _, _, dims, _ in heads:
        shapes.append(struct.unpack_from(f"<{dims}i", data, at))
        at += 4 * dims
    (gap,) = struct.unpack_from("<Q", data, at)
    at += 8 + gap
    items = {}
    for name, shape, (_, kind, _, length) in zip(names, shapes, heads):
        if at + length > len(data):
            raise ValueError(f"the model ends inside {name}: it was cut off")
        items[name] = _item(name, kind, shape, data[at:at + length])
        at += length
    return items


def _item(name: str, kind: int, shape: tuple[int, ...], block: bytes) -> Item:
    size = int(np.prod(shape))
    if kind == FLOAT32:
        return Item(name, kind, shape, np.frombuffer(block, "<f4", size).reshape(shape))
    values = np.frombuffer(block, np.int8, size)
    if kind != INTGEMM8:
        return Item(name, kind, shape, values.reshape(shape))
    (multiplier,) = struct.unpack_from("<f", block, size)
    stored = shape if is_embedding(name) else shape[::-1]
    return Item(name, kind, shape, values.reshape(stored), multiplier)


def is_embedding(name: str) -> bool:
    return name.endswith("Wemb")


def quantise(name: str, weight: np.ndarray) -> Item:
    """A float matrix as an intgemm8 item: symmetric, one multiplier, -127..127."""
    multiplier = np.float32(127.0) / np.float32(max(np.abs(weight).max(), 1e-12))
    stored = weight if is_embedding(name) else weight.T
    values = np.clip(np.rint(stored * multiplier), -127, 127).astype(np.int8)
    return Item(name, INTGEMM8, weight.shape, values, float(multiplier))


def scalar(name: str, value: float) -> Item:
    return Item(name, FLOAT32, (1, 1), np.array([[value]], "<f4"))


def text(name: str, value: str) -> Item:
    data = np.frombuffer(value.encode() + b"\0", np.int8)
    return Item(name, INT8, data.shape, data)


def load(path: Path) -> dict[str, Item]:
    return read(path.read_bytes())
