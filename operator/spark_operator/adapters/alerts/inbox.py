"""Alerts on their way from the receiver to their resource's reconcile, in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.core.observe.values import Alert
    from spark_operator.ports.cluster import Key

MAX_PENDING: Final = 64
"""Alerts of one resource that wait for a decision."""
MAX_RESOURCES: Final = 1000
"""Resources about which alerts wait."""
UNKNOWN: Final = "UnknownResource"
"""Outcome of an alert about a resource that does not exist."""


class InboxFullError(Exception):
    """Too many alerts wait for decisions: the sender has to come again."""


class Inbox:
    """The ``Alerts`` port; what is lost with the process was not acknowledged to its sender."""

    def __init__(self) -> None:
        self._waiting: dict[Key, dict[Alert, asyncio.Future[str]]] = {}

    def offer(self, key: Key, alert: Alert) -> asyncio.Future[str]:
        """Hold an alert; what came of it is known once a decision about it is stored.

        Raises:
            InboxFullError: the resource has too many already.
        """
        if key not in self._waiting and len(self._waiting) >= MAX_RESOURCES:
            raise InboxFullError(f"alerts about {len(self._waiting)} resources wait for decisions")
        waiting = self._waiting.setdefault(key, {})
        if alert not in waiting and len(waiting) >= MAX_PENDING:
            raise InboxFullError(f"{len(waiting)} alerts about {key} wait for a decision")
        return waiting.setdefault(alert, asyncio.get_running_loop().create_future())

    def pending(self, key: Key) -> tuple[Alert, ...]:
        """See ``Alerts.pending``."""
        return tuple(self._waiting.get(key, ()))

    def settle(self, key: Key, outcomes: Iterable[tuple[Alert, str]]) -> None:
        """See ``Alerts.settle``."""
        waiting = self._waiting.get(key, {})
        for alert, outcome in outcomes:
            future = waiting.pop(alert, None)
            if future is not None and not future.done():
                future.set_result(outcome)
        if not waiting:
            self._waiting.pop(key, None)

    def forget(self, key: Key) -> None:
        """See ``Alerts.forget``."""
        self.settle(key, [(alert, UNKNOWN) for alert in self.pending(key)])
