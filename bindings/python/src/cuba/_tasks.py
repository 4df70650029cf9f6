"""Waiting for work: blocking with Ctrl-C, and for event loops."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from . import cuba_ffi as ffi

OnProgress = Callable[[ffi.ProgressState], None]
T = TypeVar("T", covariant=True)


class Task(Protocol[T]):
    """What every task of `cuba.ffi` can do."""

    def cancel(self) -> None: ...
    def is_ended(self) -> bool: ...
    def wait(self) -> T: ...
    async def result(self) -> T: ...


class Listener(ffi.ProgressListener):
    """Calls a function with each state."""

    def __init__(self, call: Callable[[Any], None]) -> None:
        self._call = call

    def on_state(self, state: Any) -> None:
        self._call(state)


def listener(on_progress: OnProgress | None) -> Listener | None:
    return None if on_progress is None else Listener(on_progress)


def wait(task: Task[T]) -> T:
    """The task's result. A Ctrl-C cancels the task: inside the library it would be heard only at the end."""
    pause = 0.001
    try:
        while not task.is_ended():
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
    except KeyboardInterrupt:
        task.cancel()
        raise
    return task.wait()


async def result(task: Task[T]) -> T:
    """The task's result; cancelling the awaiting coroutine cancels the task."""
    try:
        return await task.result()
    finally:
        # After its end this does nothing.
        task.cancel()
