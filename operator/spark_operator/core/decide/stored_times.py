"""Times in status that lie ahead: a wrong clock wrote them, and nothing may wait for it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import to_time
from spark_operator.core.judge.doubt import SLACK_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from spark_operator.api.base import Model
    from spark_operator.api.status.status import SparkDeploymentStatus

SLACK: Final = timedelta(seconds=SLACK_SECONDS)
COMPARED: Final[dict[str, tuple[str, ...]]] = {
    "stable": ("since",),
    "candidate": ("since",),
    "previous": ("since",),
    "step": ("entered_at", "observed_since"),
    "jobs": ("started_at", "finished_at"),
    "alerts": ("at", "seen_at", "resolved_at"),
    "conditions": ("last_transition_time",),
}
"""Members of status that hold times which decisions compare with now.

Not those of a maintenance window, which may lie ahead, and not those of mere records.
"""
ALONE: Final = ("judge_at", "first_traffic_at")


def not_later(status: SparkDeploymentStatus, now: float) -> SparkDeploymentStatus:
    """Return the status with every time that is later than ``now`` taken for ``now``."""
    changes: dict[str, Any] = {}
    for name, members in COMPARED.items():
        found = getattr(status, name)
        if isinstance(found, tuple):
            doubted: Any = _all(found, members, now)
        else:
            doubted = None if found is None else _one(found, members, now)
        if doubted is not found:
            changes[name] = doubted
    changes |= _late(status, ALONE, now)
    return status.model_copy(update=changes) if changes else status


def _all(found: Sequence[Model], members: tuple[str, ...], now: float) -> Sequence[Model]:
    doubted = tuple(_one(item, members, now) for item in found)
    same = all(new is old for new, old in zip(doubted, found, strict=True))
    return found if same else doubted


def _one(found: Model, members: tuple[str, ...], now: float) -> Model:
    changes = _late(found, members, now)
    return found.model_copy(update=changes) if changes else found


def _late(found: Model, members: tuple[str, ...], now: float) -> dict[str, Any]:
    at = to_time(now)
    times = ((name, getattr(found, name)) for name in members)
    return {name: at for name, time in times if time is not None and time > at + SLACK}
