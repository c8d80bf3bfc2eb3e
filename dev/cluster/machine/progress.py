"""Lines that tell how far a long step is, with the time since the start."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEARTBEAT_SECONDS = 15.0


class Progress:
    """Prints steps to standard error: a spinner on a terminal, plain lines elsewhere.

    A step that lasts says so every 15 s, so that no log falls silent.
    """

    def __init__(
        self,
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Start counting now; ``clock`` and ``heartbeat`` are in seconds."""
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._clock = clock
        self._heartbeat = heartbeat
        self._start = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since this progress began."""
        return self._clock() - self._start

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(f"[{self.elapsed:6.1f} s] {text}", markup=False)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Announce a step, keep telling while it lasts, and say how long it took."""
        began = self._clock()
        with self._alive(text, began):
            yield
        self.say(f"{text}: {self._clock() - began:.1f} s")

    @contextmanager
    def _alive(self, text: str, began: float) -> Iterator[None]:
        if self._console.is_terminal:
            with self._console.status(f"{text} ..."):
                yield
            return
        ended = threading.Event()
        beat = threading.Thread(target=self._beat, args=(text, began, ended), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()

    def _beat(self, text: str, began: float, ended: threading.Event) -> None:
        while not ended.wait(self._heartbeat):
            self.say(f"{text} ... {self._clock() - began:.0f} s")
