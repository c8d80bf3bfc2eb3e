"""How late the event loop is: a wait in it must know whether it was the loop that was late."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

EVERY_SECONDS: Final = 0.1
KEPT: Final = 100
"""Measurements that are remembered: those of the last ten seconds, if the loop keeps up."""


class LoopLag:
    """Measures by how much a timer of the event loop comes too late.

    Args:
        observer: told each measurement in seconds, for metrics.
        every: seconds between two measurements.
    """

    def __init__(
        self, observer: Callable[[float], None] = lambda _: None, *, every: float = EVERY_SECONDS
    ) -> None:
        self._observer = observer
        self._every = every
        self._late: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._expected: float | None = None

    def since(self, began: float) -> float:
        """Return the longest lateness since a time of the event loop's clock, in seconds."""
        now = asyncio.get_running_loop().time()
        pending = now - self._expected if self._expected is not None else 0.0
        return max(0.0, pending, *(late for at, late in self._late if at >= began))

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[LoopLag]:
        """Measure for as long as the block lasts."""
        task = asyncio.create_task(self._measure(), name="measure the loop's lag")
        try:
            yield self
        finally:
            task.cancel()

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._expected = loop.time() + self._every
            await asyncio.sleep(self._every)
            late = max(0.0, loop.time() - self._expected)
            self._late.append((loop.time(), late))
            self._observer(late)
