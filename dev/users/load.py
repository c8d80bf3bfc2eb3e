"""Users in an open loop: requests start when they are due, however slow the answers are."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.users.http import Client, UserError
from dev.users.results import Result, Ring

if TYPE_CHECKING:
    from dev.users.traffic import Habits

LATE = 1.0
"""Seconds behind schedule after which requests are given up instead of sent in one burst."""
STEP = 0.05
"""Seconds between two looks at the schedule at most, so that a new rate takes effect at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard bounds: seconds in all, requests in all, and requests under way at once."""

    duration: float = 3600.0
    requests: int = 200_000
    inflight: int = 200


class Load:
    """Requests at ``rate`` per second while ``running``, until a limit ends them for good.

    Requests that could not be sent in time, because too many were under way or this process had no
    processor time, are counted in ``unsent``: they are no result of the service.
    """

    def __init__(
        self, client: Client, habits: Habits, ring: Ring, limits: Limits, rate: float
    ) -> None:
        self._client = client
        self._habits = habits
        self._ring = ring
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        self.rate = rate
        self.running = True
        self.sent = 0
        self.unsent = 0

    @property
    def inflight(self) -> int:
        """Count the requests under way."""
        return len(self._tasks)

    @property
    def finished(self) -> bool:
        """Whether the limit on requests is reached."""
        return self.sent >= self._limits.requests

    async def run(self) -> None:
        """Send until a limit is reached, then wait for the answers under way."""
        try:
            async with asyncio.timeout(self._limits.duration):
                await self._schedule()
        except TimeoutError:
            pass
        finally:
            self.running = False
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.finished:
            now = loop.time()
            if not self.running or self.rate <= 0:
                due = now
                await asyncio.sleep(STEP)
                continue
            if now - due > LATE:
                missed = int((now - due) * self.rate)
                self.unsent += missed
                due += missed / self.rate
            while due <= now and not self.finished:
                self._fire()
                due += 1 / self.rate
            await asyncio.sleep(max(0.0, min(due - loop.time(), STEP)))

    def _fire(self) -> None:
        if self.inflight >= self._limits.inflight:
            self.unsent += 1
            return
        self.sent += 1
        task = asyncio.create_task(self._one(self.sent))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, number: int) -> None:
        shot = self._habits.shot(number)
        at, started = time.time(), time.perf_counter()
        status, error, release = 0, "", ""
        try:
            answer = await self._client.send(shot.data, keep=shot.mode == "keepalive")
            status, release = answer.status, answer.release
        except UserError as failure:
            error = str(failure)
        latency = time.perf_counter() - started
        seq = self._ring.last + 1
        self._ring.add(
            Result(
                seq,
                round(at, 4),
                round(latency, 5),
                status,
                error,
                release,
                shot.mode,
                shot.endpoint,
            )
        )
