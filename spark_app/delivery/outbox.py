"""Hands things over to somebody who may be away, without anyone waiting for it.

A bounded queue and one task: what doesn't fit is dropped and counted, what can't be delivered is
tried again with growing pauses, and at shutdown what is left gets one short last chance.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from spark_app.telemetry.metrics import Metrics

__all__ = ["Outbox"]

Item = TypeVar("Item")
PATIENCE = 5.0
"""Seconds for one delivery."""
PAUSES = (0.2, 10.0)
"""Seconds between two tries: the first pause and the longest."""
_log = logging.getLogger(__name__)


class Outbox(Generic[Item]):
    """The way to one receiver.

    Args:
        name: the `sink` and `dependency` label.
        deliver: takes a batch; any exception means that none of it may have arrived. A batch may
            come twice, so the receiver has to recognise what it has.
        size: items that may wait.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[list[Item]], Awaitable[None]],
        metrics: Metrics,
        *,
        size: int = 2000,
        batch: int = 100,
    ) -> None:
        self.name = name
        self._deliver = deliver
        self._queue: asyncio.Queue[Item] = asyncio.Queue(size)
        self._batch = batch
        self._metrics = metrics
        self._metrics.dropped.labels(name)
        self._pending: list[Item] = []
        self.failing = False
        self.delivered = 0
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Hand over one item; never waits, never raises."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.dropped += 1
            self._metrics.dropped.labels(self.name).inc()

    @property
    def waiting(self) -> int:
        """Items that are not delivered yet."""
        return self._queue.qsize() + len(self._pending)

    async def run(self) -> None:
        """Deliver until cancelled."""
        pause = PAUSES[0]
        while True:
            if not self._pending:
                self._pending = [await self._queue.get()]
            self._take()
            if await self._try():
                pause = PAUSES[0]
            else:
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
                pause = min(PAUSES[1], pause * 2)

    async def flush(self, seconds: float) -> None:
        """Deliver what is left, for a short time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                self._take()
                while self._pending and await self._try():
                    self._take()

    def _take(self) -> None:
        while len(self._pending) < self._batch and not self._queue.empty():
            self._pending.append(self._queue.get_nowait())

    async def _try(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._deliver(self._pending)
        except Exception as error:
            if not self.failing:
                # Messages of drivers may hold addresses and credentials; their kind is enough.
                _log.warning("%s takes nothing (%s); trying again", self.name, type(error).__name__)
            self.failing = True
            self._metrics.degraded.labels(self.name).inc()
            return False
        self.failing = False
        self.delivered += len(self._pending)
        self._pending = []
        return True
