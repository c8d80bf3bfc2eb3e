"""Turns requests away while the process still can, instead of answering none in time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LoopLag", "Shedder"]


class LoopLag:
    """How late the event loop is: a smoothed measure of overload, in seconds.

    Args:
        interval: seconds between two looks.
    """

    def __init__(self, interval: float = 0.1, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self.seconds = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            asked = self._clock()
            await asyncio.sleep(self._interval)
            late = max(0.0, self._clock() - asked - self._interval)
            self.seconds = 0.7 * self.seconds + 0.3 * late


class Shedder:
    """Admits requests up to a number at a time, and none while the loop is late.

    Args:
        most: requests at a time.
        late: seconds of lag above which nothing new is admitted.
    """

    def __init__(self, lag: LoopLag, *, most: int, late: float) -> None:
        self._lag = lag
        self._most = most
        self._late = late
        self.inflight = 0

    @property
    def full(self) -> bool:
        """Whether the next request is to be turned away."""
        return self.inflight >= self._most or self._lag.seconds > self._late
