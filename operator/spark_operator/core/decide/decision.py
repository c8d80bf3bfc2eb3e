"""What one call of ``decide`` wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.judge import JudgeState
    from spark_operator.core.model.event import Event
    from spark_operator.core.observe.values import Alert, PartFailure


@dataclass(frozen=True, slots=True)
class Decision:
    """What ``decide`` wants: a status to persist, events to tell, when to look again."""

    status: SparkDeploymentStatus
    events: tuple[Event, ...] = ()
    next_due: float | None = None
    """Seconds since the epoch; None: only when woken."""
    judge: JudgeState | None = None
    watch: bool = False
    """Whether pods' metrics are wanted at the next reconcile."""
    alerts: tuple[tuple[Alert, str], ...] = ()
    """What came of each alert that was pushed in."""
    failures: tuple[PartFailure, ...] = ()
    """Parts that raised, and that the rest went on without."""
