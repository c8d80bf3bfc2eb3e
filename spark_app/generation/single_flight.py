"""Identical requests that are in flight at the same time are made once.

A flight runs in a task of its own, so that a client who leaves doesn't take the others' answer
away. Whoever joins sees every event from the first one on.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["Flight", "Flights"]

Event = TypeVar("Event")
Result = TypeVar("Result")


class Flight(Generic[Event, Result]):
    """One piece of work, its events so far, and its result.

    `upstream` is how many seconds of it were spent waiting for somebody else.
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._news = asyncio.Event()
        self.task: asyncio.Task[Result] | None = None
        self.upstream = 0.0

    def tell(self, event: Event) -> None:
        """Publish an event to everyone aboard."""
        self._events.append(event)
        self._news.set()

    async def result(self) -> Result:
        """Wait for the end; a cancelled waiter doesn't cancel the work."""
        if self.task is None:
            raise RuntimeError("the flight has not been started")
        return await asyncio.shield(self.task)

    async def events(self) -> AsyncIterator[Event]:
        """All events, past and to come; ends with the work, whatever its outcome."""
        seen = 0
        while True:
            while seen < len(self._events):
                yield self._events[seen]
                seen += 1
            if self.task is None or self.task.done():
                return
            self._news.clear()
            await self._news.wait()

    def landed(self, task: asyncio.Task[Result]) -> None:
        """Wake everyone; an outcome that nobody waits for is no mistake."""
        if not task.cancelled():
            task.exception()
        self._news.set()


class Flights(Generic[Event, Result]):
    """The flights in the air, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight[Event, Result]] = {}

    def board(
        self, key: str, work: Callable[[Flight[Event, Result]], Awaitable[Result]]
    ) -> tuple[Flight[Event, Result], bool]:
        """Join the flight of this key, or start it with `work`; True when joined."""
        flight = self._flights.get(key)
        if flight is not None:
            return flight, True
        flight = Flight()
        self._flights[key] = flight

        async def fly(flight: Flight[Event, Result]) -> Result:
            return await work(flight)

        flight.task = asyncio.create_task(fly(flight))
        flight.task.add_done_callback(lambda _: self._flights.pop(key, None))
        flight.task.add_done_callback(flight.landed)
        return flight, False

    async def settle(self) -> None:
        """Cancel what is still in the air, and wait for it."""
        tasks = [flight.task for flight in self._flights.values() if flight.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
