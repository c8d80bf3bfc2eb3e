"""Alerts on their way to the operators: sent again until somebody has dealt with them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spark_operator.adapters.alerts.inbox import InboxFullError
from spark_operator.adapters.alerts.receiver import DECIDE_SECONDS

if TYPE_CHECKING:
    from random import Random

    from spark_operator.core.observe.values import Alert
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key
    from tests.simulation.process import Process

RETRY_SECONDS: Final = 2.0
"""How soon what was not taken is sent again."""


@dataclass(slots=True)
class Pushed:
    """One alert's way; times in seconds since the epoch.

    Attributes:
        sent: when it was sent for the last time.
        answered: when an operator answered that it is dealt with; None: nobody has.
        outcome: what came of it.
    """

    alert: Alert
    first: float
    sent: float
    answered: float | None = None
    outcome: str = ""


class Alertmanager:
    """Pushes to one operator at a time, as through a Service that leads to the one that leads.

    The receiver's HTTP is left out: an answer of 503 is a try without an outcome here.
    """

    def __init__(self, processes: list[Process], clock: Clock, rng: Random) -> None:
        self.pushed: list[Pushed] = []
        self._processes = processes
        self._clock = clock
        self._rng = rng
        self._tasks: set[asyncio.Task[None]] = set()

    def push(self, key: Key, alert: Alert) -> None:
        """Send an alert until it is answered; returns at once."""
        now = self._clock.now()
        self.pushed.append(Pushed(alert, now, now))
        task = asyncio.create_task(self._deliver(key, self.pushed[-1]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, key: Key, item: Pushed) -> None:
        while item.answered is None:
            item.sent = self._clock.now()
            item.outcome = await self._try(key, item.alert)
            if item.outcome:
                item.answered = self._clock.now()
            else:
                await asyncio.sleep(RETRY_SECONDS)

    async def _try(self, key: Key, alert: Alert) -> str:
        serving = [process for process in self._processes if process.is_serving]
        if not serving:
            return ""
        process = self._rng.choice(serving)
        try:
            future = process.inbox.offer(key, alert)
        except InboxFullError:
            return ""
        process.wake(key)
        await asyncio.wait([future], timeout=DECIDE_SECONDS)
        return future.result() if future.done() and process.alive else ""
