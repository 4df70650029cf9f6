"""Files that are either whole or absent, and readers for plain and xz text."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from pathlib import Path


def replace_bytes(path: Path, data: bytes) -> None:
    """Write beside the target, sync, then rename: a kill leaves the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, path)


def replace_text(path: Path, text: str) -> None:
    replace_bytes(path, text.encode())


def lines_of(path: Path) -> Iterator[str]:
    """Lines without their end, of a plain or xz-compressed UTF-8 file."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as text:
        for line in text:
            yield line.rstrip("\n")


def default_work() -> Path:
    """Where data and checkpoints go unless `--work` says otherwise: the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "cuba-training"
