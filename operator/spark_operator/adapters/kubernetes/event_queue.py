"""Events told beside the reconciles: none is lost while there is room, and no reconcile waits."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from spark_operator.ports.cluster import ClusterError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from spark_operator.adapters.kubernetes.events import Api, EventRecorder
    from spark_operator.core.model.event import Event
    from spark_operator.core.model.objects import Manifest

MOST: Final = 20_000
"""Events that wait at most; about 40 MiB of them."""
TELLERS: Final = 4
"""Events that are written side by side."""
FIRST_DELAY: Final = 0.5
LONGEST_DELAY: Final = 30.0
STOP_SECONDS: Final = 2.0
"""How long a stop waits for events that were not written yet."""

log = logging.getLogger(__name__)


class EventQueue:
    """Events that are to be written, each once, with how often it was told meanwhile.

    Args:
        write: creates an event or raises the count of one that is there.
        observer: told "written", "refused" or "dropped" for each event, for metrics.
        most: see ``MOST``; what comes on top is dropped, and counted as such.
    """

    def __init__(
        self,
        write: Callable[[Manifest], Awaitable[None]],
        observer: Callable[[str], None] = lambda _: None,
        *,
        most: int = MOST,
    ) -> None:
        self._write = write
        self._observer = observer
        self._most = most
        self._waiting: dict[tuple[str, str], Manifest] = {}
        self._changed = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._writing = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def put(self, event: Manifest) -> None:
        """Take an event over; returns at once."""
        identity = (event["metadata"]["namespace"], event["metadata"]["name"])
        known = self._waiting.get(identity)
        if known is not None:
            self._waiting[identity] = _again(known, event)
            return
        if len(self._waiting) >= self._most:
            self._observer("dropped")
            log.error("event %s of %s is not told: %d others wait", *identity[::-1], self._most)
            return
        self._waiting[identity] = event
        async with self._changed:
            self._changed.notify()

    async def start(self) -> None:
        """Begin to write what waits."""
        self._tasks = [
            asyncio.create_task(self._tell(), name=f"tell events {number}")
            for number in range(TELLERS)
        ]

    async def stop(self) -> None:
        """Write what waits, within a bound, and end."""
        try:
            async with asyncio.timeout(STOP_SECONDS), self._changed:
                await self._changed.wait_for(lambda: not self._waiting and not self._writing)
        except TimeoutError:
            log.warning("%d events are not told: the operator stops", len(self._waiting))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tell(self) -> None:
        delay = FIRST_DELAY
        while True:
            identity, event = await self._next()
            try:
                await self._write(event)
            except UnavailableError as error:
                log.info("event %s is told later: %s", identity[1], error)
                self._give_back(identity, event)
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            except ClusterError as error:
                self._observer("refused")
                log.warning("event %s could not be written: %s", identity[1], error)
            except Exception:
                self._observer("refused")
                log.exception("event %s could not be written", identity[1])
            else:
                self._observer("written")
            delay = FIRST_DELAY
            await self._done()

    async def _next(self) -> tuple[tuple[str, str], Manifest]:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting))
            identity = next(iter(self._waiting))
            self._writing += 1
            return identity, self._waiting.pop(identity)

    def _give_back(self, identity: tuple[str, str], event: Manifest) -> None:
        """Put an event that could not be written in front of all others."""
        self._writing -= 1
        told = self._waiting.pop(identity, None)
        newest = event if told is None else _again(event, told)
        self._waiting = {identity: newest, **self._waiting}

    async def _done(self) -> None:
        async with self._changed:
            self._writing -= 1
            self._changed.notify_all()


class QueuedRecorder:
    """Tells events later, with the time at which they happened."""

    def __init__(self, recorder: EventRecorder, observer: Callable[[str], None]) -> None:
        """``observer`` is told what became of each event; see ``EventQueue``."""
        self._recorder = recorder
        self._api: Api | None = None
        self.queue = EventQueue(self._write, observer)

    async def publish(self, api: Api, resource: Manifest, event: Event) -> None:
        """Take an event over; returns at once."""
        self._api = api
        await self.queue.put(self._recorder.compose(resource, event))

    async def _write(self, wanted: Manifest) -> None:
        if self._api is not None:
            await self._recorder.write(self._api, wanted)


def _again(known: Manifest, event: Manifest) -> Manifest:
    """One event for two that say the same."""
    return event | {
        "count": int(known["count"]) + int(event["count"]),
        "firstTimestamp": known["firstTimestamp"],
    }
