"""Decisions one after the other, each given the status the one before left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spark_operator.core.decide.decide import decide
from tests.unit.operator.core.builders import NOW, resource
from tests.unit.operator.core.notifications.told import ALL

if TYPE_CHECKING:
    from spark_operator.api.status.outbox import Notice, NotificationsStatus
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations


class Story:
    """One resource; ``new`` is what the last decision queued."""

    def __init__(
        self, version: int, status: SparkDeploymentStatus, told: dict[str, Any] | None = None
    ) -> None:
        self.status = status
        self.told = ALL if told is None else told
        self.version = version
        self.paused = False
        self.new: list[Notice] = []
        self.decision: Decision

    @property
    def box(self) -> NotificationsStatus:
        assert self.status.notifications is not None
        return self.status.notifications

    def reconcile(self, seen: Observations, after: float = 0.0, **changes: Any) -> list[Notice]:
        """One decision ``after`` seconds later than NOW; everything queued before was delivered."""
        before = self.status.notifications
        outbox = before.outbox if before else ()
        delivered = frozenset((item.id, channel) for item in outbox for channel in item.pending)
        seen = replace(seen, delivered=delivered, **changes)
        given = resource(self.version, self.status, notifications=self.told, paused=self.paused)
        self.decision = decide(given, seen, NOW + after)
        self.status = self.decision.status
        after_box = self.status.notifications
        self.new = list(after_box.outbox if after_box else ())
        return self.new

    @property
    def said(self) -> list[tuple[str, str, str]]:
        """Kind, severity and action of what is new."""
        return [(item.kind, item.severity, item.action) for item in self.new]

    @property
    def paged(self) -> list[str]:
        """What pagers are told."""
        return [item.action for item in self.new if "pagerDuty/default" in item.pending]
