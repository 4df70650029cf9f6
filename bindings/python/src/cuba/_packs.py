"""Model packs for Python."""

from __future__ import annotations

import os

from . import cuba_ffi as ffi
from ._tasks import OnProgress, listener, wait


class PackStore:
    """Model packs: what is installed, adding, checking, handing on. From `Cuba.packs`."""

    def __init__(self, inner: ffi.Packs) -> None:
        self._inner = inner

    def list(self) -> ffi.PacksView:
        """What is installed. Reads no model."""
        return self._inner.list()

    def offers(self) -> list[ffi.PackView]:
        """What the built-in catalogue knows; opens no connection."""
        return self._inner.offers()

    def add(
        self,
        path: str | os.PathLike[str],
        direction: tuple[str, str] | None = None,
        *,
        accept_terms: bool = False,
        on_progress: OnProgress | None = None,
    ) -> ffi.PackView:
        """Installs a pack file, a folder with a model or a GGUF file, whole or not at all."""
        way = None if direction is None else ffi.Direction(from_language=direction[0], to=direction[1])
        request = ffi.AddPackRequest(path=os.fspath(path), direction=way, accept_terms=accept_terms)
        return wait(self._inner.add(request, listener(on_progress)))

    def verify(self, pack: str, *, on_progress: OnProgress | None = None) -> ffi.VerifyView:
        """Reads every byte of a pack (`id` or `id@version`)."""
        return wait(self._inner.verify(pack, listener(on_progress)))

    def export(self, pack: str, file: str | os.PathLike[str], *, on_progress: OnProgress | None = None) -> str:
        """Writes a pack to one file that another device can add; gives its path."""
        return wait(self._inner.export(pack, os.fspath(file), listener(on_progress)))

    def remove(self, pack: str) -> int:
        """Removes a pack and gives the bytes freed."""
        return self._inner.remove(pack)
