"""What is carried from one reconcile to the next, and the result of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spark_operator.core.apply.backoff import Attempt
from spark_operator.reconcile.volume_refresh import Touched

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core import judge
    from spark_operator.core.judge import Tick
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.snapshot import Snapshot
    from spark_operator.ports.cluster import (
        ClusterError,
    )


@dataclass(frozen=True, slots=True)
class Memory:
    """What is carried from reconcile to reconcile; all of it may be lost."""

    snapshot: Snapshot | None = None
    read_at: float = 0.0
    judge: judge.JudgeState | None = None
    watch: bool = False
    tick: Tick | None = None
    attempt: Attempt = field(default_factory=Attempt)
    touched: Touched = field(default_factory=Touched)
    is_settled: bool = False
    """Whether the snapshot's children are what its status says."""
    is_compact: bool = False
    """Whether the snapshot has only the resource, and ``seen`` says what the rest was: at rest."""
    seen: Observations | None = None
    """What the snapshot's children and pods say, which costs as much to read as to decide."""


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """The outcome of a reconcile.

    Attributes:
        next_due: when the next one is due at the latest, failure or not, seconds since the epoch;
            None: only when woken.
        memory: what the next reconcile is given.
        failure: the first write to a child that failed; the next reconcile tries again.
        statuses: the status before and after, as they are stored; None: no decision was made.
    """

    next_due: float | None
    memory: Memory
    failure: ClusterError | None = None
    statuses: tuple[SparkDeploymentStatus, SparkDeploymentStatus] | None = None
    failed_parts: tuple[str, ...] = ()
    """Parts that raised an error of the operator's own, and that the rest went on without."""
