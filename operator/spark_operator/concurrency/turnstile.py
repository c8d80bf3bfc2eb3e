"""A turnstile: a bounded number of pieces of work at once, the most urgent first.

Waiting in front of it costs no connection and no time limit: those begin behind it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager


@dataclass(slots=True)
class Waiter:
    """One piece of work in front of the turnstile; ``rank`` 0 is the most urgent."""

    rank: int
    group: str
    order: tuple[int, int] = (0, 0)
    called: asyncio.Future[None] | None = None

    @property
    def waits(self) -> bool:
        """Whether it has not been called yet."""
        return self.called is not None and not self.called.done()


@dataclass(order=True, slots=True)
class _Place:
    rank: int
    order: tuple[int, int]
    waiter: Waiter = field(compare=False)


class Turnstile:
    """Lets work through by rank, and within one rank each group in its turn.

    A group that brings much work does not keep others of the same rank waiting: each gets the
    next free place as often as the others do.

    Args:
        limits: for each rank how many may be inside, of all ranks together, for one of this rank
            to enter; they fall with the rank, so that the most urgent always find a place.
    """

    def __init__(self, limits: Sequence[int]) -> None:
        self._limits = tuple(limits)
        self._queue: list[_Place] = []
        self._inside = 0
        self._waiting: Counter[int] = Counter()
        self._numbers = itertools.count()
        self._round = [0] * len(self._limits)
        self._rounds: dict[tuple[int, str], int] = {}

    @property
    def inside(self) -> int:
        """How many are inside now."""
        return self._inside

    def waiting(self, rank: int) -> int:
        """How many of a rank wait now."""
        return self._waiting[rank]

    def through(self, rank: int, group: str = "") -> AbstractAsyncContextManager[None]:
        """Wait for a place, and hold it for as long as the block lasts."""
        return self.held(Waiter(rank, group))

    @asynccontextmanager
    async def held(self, waiter: Waiter) -> AsyncIterator[None]:
        """Do the same for a piece of work that may be hurried while it waits."""
        await self.enter(waiter)
        try:
            yield
        finally:
            self.leave()

    async def enter(self, waiter: Waiter) -> None:
        """Wait for a place; it is held until ``leave``."""
        if self._may_enter(waiter.rank) and not self._waiting.total():
            self._inside += 1
            return
        waiter.called = asyncio.get_running_loop().create_future()
        self._place(waiter)
        try:
            await waiter.called
        except asyncio.CancelledError:
            if waiter.waits or waiter.called.cancelled():
                self._waiting[waiter.rank] -= 1
            else:
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._inside -= 1
        self._call()

    def hurry(self, waiter: Waiter, rank: int) -> None:
        """Raise the rank of one that waits; one that is inside, or more urgent, stays as it is."""
        if rank >= waiter.rank or not waiter.waits:
            return
        self._waiting[waiter.rank] -= 1
        waiter.rank = rank
        self._place(waiter)

    def _may_enter(self, rank: int) -> bool:
        return self._inside < self._limits[rank]

    def _place(self, waiter: Waiter) -> None:
        rank, group = waiter.rank, (waiter.rank, waiter.group)
        turn = max(self._round[rank], self._rounds.get(group, 0)) + 1
        self._rounds[group] = turn
        waiter.order = (turn, next(self._numbers))
        self._waiting[rank] += 1
        heapq.heappush(self._queue, _Place(rank, waiter.order, waiter))
        self._call()

    def _call(self) -> None:
        while self._queue:
            first = self._queue[0]
            if not self._is_current(first):
                heapq.heappop(self._queue)
                continue
            # Limits fall with the rank: where the most urgent may not enter, nobody may.
            if not self._may_enter(first.rank):
                return
            heapq.heappop(self._queue)
            self._admit(first)

    def _is_current(self, place: _Place) -> bool:
        waiter = place.waiter
        return waiter.waits and (waiter.rank, waiter.order) == (place.rank, place.order)

    def _admit(self, place: _Place) -> None:
        self._inside += 1
        self._waiting[place.rank] -= 1
        self._round[place.rank] = max(self._round[place.rank], place.order[0])
        if not self._waiting[place.rank]:
            self._rounds = {it: turn for it, turn in self._rounds.items() if it[0] != place.rank}
        assert place.waiter.called is not None  # noqa: S101 - it waits
        place.waiter.called.set_result(None)
