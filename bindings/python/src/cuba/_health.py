"""The health log for Python."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence

from . import cuba_ffi as ffi
from ._tasks import OnProgress, listener, result, wait

Day = str | datetime.date


class HealthLog:
    """The health log in its encrypted database. From `Cuba.health`. The first call that needs it opens it."""

    def __init__(self, inner: ffi.Health) -> None:
        self._inner = inner

    def protection(self) -> ffi.ProtectionView:
        """What protects the database, and whether a damaged one had to be moved aside."""
        return self._inner.protection()

    def metrics(self) -> list[ffi.MetricView]:
        """Every metric Cuba knows, with its unit."""
        return self._inner.metrics()

    def present(self) -> list[ffi.MetricView]:
        """The metrics that have samples."""
        return self._inner.present()

    def sources(self) -> list[ffi.SourceView]:
        """Every device and app that measured something, oldest first."""
        return self._inner.sources()

    def import_file(
        self, path: str | os.PathLike[str], *, on_progress: OnProgress | None = None
    ) -> ffi.ImportView:
        """Imports a file, archive or folder of any app that Cuba knows. What was stored before a Ctrl-C stays."""
        return wait(self._inner.import_file(os.fspath(path), listener(on_progress)))

    async def import_file_async(self, path: str | os.PathLike[str]) -> ffi.ImportView:
        """The same for an event loop."""
        return await result(self._inner.import_file(os.fspath(path), None))

    def record(self, metric: str, samples: Iterable[ffi.SampleRecord], *, source: str, kind: str = "app") -> int:
        """Stores samples that you measured yourself; gives the number that was new."""
        request = ffi.RecordRequest(
            metric=metric, source_key=source, source_name=source, source_kind=kind, samples=list(samples)
        )
        return self._inner.record(request)

    def chart(
        self, metric: str, from_day: Day, to_day: Day, bucket: ffi.Bucket = ffi.Bucket.DAY
    ) -> list[ffi.ChartPointView]:
        """A chart of a metric, merged over its sources. For a table: `pandas.DataFrame(map(vars, chart))`."""
        request = ffi.ChartRequest(metric=metric, from_day=str(from_day), to_day=str(to_day), bucket=bucket)
        return self._inner.chart(request)

    def merged_day(self, metric: str, day: Day) -> ffi.MergedDayView:
        """What counts on a local day and why the rest does not."""
        return self._inner.merged_day(metric, str(day))

    def priority(self, metric: str) -> list[str]:
        """The keys of sources from the most to the least preferred."""
        return self._inner.priority(metric)

    def set_priority(self, metric: str | None, sources: Sequence[str]) -> None:
        """Sets the order of sources for one metric, or for all (`None`)."""
        self._inner.set_priority(metric, list(sources))

    def nights(self, from_day: Day, to_day: Day) -> list[ffi.NightView]:
        """Nights whose day of waking up lies between two days."""
        return self._inner.nights(str(from_day), str(to_day))

    def enter_mood(self, mood: ffi.MoodView) -> None:
        """Enters a mood; one at the same moment is replaced."""
        self._inner.enter_mood(mood)

    def moods(self, from_ms: int, to_ms: int) -> list[ffi.MoodView]:
        """Moods that start in `from_ms..to_ms`, oldest first."""
        return self._inner.moods(from_ms, to_ms)

    def save_habit(
        self, key: str, name: str, *, times: int = 1, days: int = 1, remind_at: str | None = None, question: str = ""
    ) -> None:
        """Saves a habit to be kept so many times in so many days; one of the same key is replaced."""
        request = ffi.HabitRequest(
            key=key, name=name, times=times, days=days, remind_at=remind_at, question=question
        )
        self._inner.save_habit(request)

    def mark_habit(self, key: str, day: Day, done: bool = True) -> None:
        """Marks a habit as kept or not on a day."""
        self._inner.mark_habit(key, str(day), done)

    def habits(self, day: Day) -> list[ffi.HabitView]:
        """Every habit in use, as it stands on a day."""
        return self._inner.habits(str(day))

    def plan_reminders(self, hours: int) -> int:
        """Plans the notifications that are due in the next hours; gives their number."""
        return self._inner.plan_reminders(hours)

    def export(self, file: str | os.PathLike[str], *, on_progress: OnProgress | None = None) -> str:
        """Writes everything in the open format, readable by anyone: not sealed."""
        return wait(self._inner.export(os.fspath(file), listener(on_progress)))

    def backup(
        self, file: str | os.PathLike[str], *, passphrase: str | None = None, recovery_key: str | None = None
    ) -> str:
        """Seals everything into one file that opens on another device."""
        return wait(self._inner.backup(_backup(file, passphrase, recovery_key), None))

    def restore(
        self, file: str | os.PathLike[str], *, passphrase: str | None = None, recovery_key: str | None = None
    ) -> None:
        """Replaces the database by a backup; any error leaves it as it was."""
        wait(self._inner.restore(_backup(file, passphrase, recovery_key), None))


def _backup(
    file: str | os.PathLike[str], passphrase: str | None, recovery_key: str | None
) -> ffi.BackupRequest:
    if passphrase is not None and recovery_key is None:
        return ffi.BackupRequest(file=os.fspath(file), secret=ffi.BackupSecret.PASSPHRASE(passphrase))
    if recovery_key is not None and passphrase is None:
        return ffi.BackupRequest(file=os.fspath(file), secret=ffi.BackupSecret.RECOVERY_KEY(recovery_key))
    raise ValueError("give either a passphrase or a recovery key")
