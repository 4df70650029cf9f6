"""Translation for Python."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator

from . import cuba_ffi as ffi
from ._tasks import OnProgress, listener, result, wait


class _Growing(ffi.TranslationListener):
    def __init__(self, states: queue.SimpleQueue[ffi.TranslationState]) -> None:
        self._states = states

    def on_state(self, state: ffi.TranslationState) -> None:
        self._states.put(state)


END = (ffi.Stage.FINISHED, ffi.Stage.CANCELLED, ffi.Stage.FAILED)


class Translation:
    """Translation with whatever packs are installed. From `Cuba.translate`."""

    def __init__(self, inner: ffi.Translate) -> None:
        self._inner = inner

    def __call__(
        self,
        text: str,
        to: str,
        from_: str | None = None,
        *,
        keep: Iterable[str] = (),
        likely: Iterable[str] = (),
        localise_numbers: bool = False,
    ) -> ffi.TranslationView:
        """Translates a text; without `from_` its language is found. `.text` of the result is the translation."""
        return wait(self._inner.translate(_request(text, to, from_, keep, likely, localise_numbers), None))

    async def text_async(self, text: str, to: str, from_: str | None = None) -> ffi.TranslationView:
        """The same for an event loop. Cancelling the coroutine ends the work."""
        return await result(self._inner.translate(_request(text, to, from_, (), (), False), None))

    def stream(self, text: str, to: str, from_: str | None = None) -> Iterator[ffi.TranslationState]:
        """The translation while it grows: the present state first, whole sentences after, at most ten a second.

        Leaving the loop cancels the work; what goes wrong is raised.
        """
        states: queue.SimpleQueue[ffi.TranslationState] = queue.SimpleQueue()
        task = self._inner.translate(_request(text, to, from_, (), (), False), _Growing(states))
        try:
            while True:
                state = states.get()
                if state.stage == ffi.Stage.FAILED:
                    task.wait()
                yield state
                if state.stage in END:
                    return
        finally:
            task.cancel()

    def batch(
        self,
        lines: Iterable[str],
        to: str,
        from_: str | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> list[str]:
        """Translates lines in their order; an empty line stays empty."""
        return [line.text for line in self.batch_view(lines, to, from_, on_progress=on_progress).lines]

    def batch_view(
        self,
        lines: Iterable[str],
        to: str,
        from_: str | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> ffi.BatchView:
        """The same with confidence and signs of doubt of each line."""
        request = ffi.BatchRequest(lines=list(lines), to=to, from_language=from_)
        return wait(self._inner.batch(request, listener(on_progress)))

    def languages(self) -> list[ffi.LanguageView]:
        """The languages that installed packs read or write."""
        return self._inner.languages()

    def directions(self) -> list[tuple[str, str]]:
        """The directions that installed packs translate without a language between."""
        return [(direction.from_language, direction.to) for direction in self._inner.directions()]

    def detect(self, text: str, among: Iterable[str] = (), likely: Iterable[str] = ()) -> ffi.DetectionView:
        """Which of `among` the text is in (any language, if empty)."""
        return self._inner.detect(text, list(among), list(likely))

    def route(self, from_: str, to: str) -> ffi.RouteView:
        """The way from one language to the other; raises `CubaError.NoPackFor` where there is none."""
        return self._inner.route(from_, to)

    def prepare(self, from_: str, to: str) -> None:
        """Loads what a pair needs, so that the first sentence comes sooner."""
        wait(self._inner.prepare(from_, to))

    def speak(self, text: str, language: str) -> None:
        """Speaks with the voice that the program brought."""
        self._inner.speak(text, language)

    def hush(self) -> None:
        """Falls silent."""
        self._inner.hush()

    def memory(self) -> int:
        """Bytes of memory that loaded engines hold, mapped weights included."""
        return self._inner.memory()

    def unload(self) -> None:
        """Gives that memory back; the next translation loads again."""
        self._inner.unload()


def _request(
    text: str, to: str, from_: str | None, keep: Iterable[str], likely: Iterable[str], localise_numbers: bool
) -> ffi.TranslateRequest:
    return ffi.TranslateRequest(
        text=text, to=to, from_language=from_, keep=list(keep), likely=list(likely), localise_numbers=localise_numbers
    )
