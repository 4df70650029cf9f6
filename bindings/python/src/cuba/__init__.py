"""Cuba: private AI on your own device. Offline translation and an encrypted health log.

    import cuba

    with cuba.open("~/cuba") as c:
        c.packs.add("enes/", direction=("en", "es"))
        print(c.translate("Good morning.", to="es"))
        c.health.import_file("export.zip")
        c.health.chart("heart_rate", "2026-11-01", "2026-11-30")

Calls block until they are done, as a notebook likes it; Ctrl-C cancels the work. Those that take long have an
`*_async` sibling for event loops. Every view is an immutable record of `cuba.ffi`; every error is a `CubaError`, whose
subclasses (`CubaError.NoPackFor`, `CubaError.KeyWrong`, ...) say what a program treats differently; `advice` maps them
to what to offer.
"""

from __future__ import annotations

import os
from types import TracebackType

from . import cuba_ffi as ffi

# The generator leaves this check out of Python; without it a library of another build misreads its arguments.
ffi._uniffi_check_api_checksums(ffi._UniffiLib)

from ._advice import Advice, advice
from ._health import HealthLog
from ._packs import PackStore
from ._tasks import OnProgress
from ._translation import Translation
from .cuba_ffi import CubaError, Platform

__all__ = [
    "Advice", "Cuba", "CubaError", "HealthLog", "OnProgress", "PackStore", "Platform", "Translation", "advice", "ffi",
    "open",
]
__version__ = ffi.version()


class Cuba:
    """Cuba in one home directory. Get one from `cuba.open`."""

    translate: Translation
    packs: PackStore
    health: HealthLog

    def __init__(self, config: ffi.Config, platform: ffi.Platform) -> None:
        self._inner = ffi.Cuba.open(config, platform)
        self.translate = Translation(self._inner.translate())
        self.packs = PackStore(self._inner.packs())
        self.health = HealthLog(self._inner.health())

    def close(self) -> None:
        """Cancels what runs and lets the database go. Later calls raise `CubaError.Closed`."""
        self._inner.shut_down()

    def __enter__(self) -> Cuba:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(
    home: str | os.PathLike[str],
    *,
    passphrase: str | None = None,
    threads: int | None = None,
    platform: Platform | None = None,
) -> Cuba:
    """Opens a home directory, making it if need be. Loads no model and opens no database yet.

    `passphrase` protects the health database; without it a key file that only its owner may read does.
    """
    where = os.path.expanduser(os.fspath(home))
    return Cuba(ffi.Config(home=where, passphrase=passphrase, threads=threads), platform or ffi.Platform())
