"""What the tables of decisions are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from spark_operator.api.fields import to_time
from spark_operator.api.status.status import FailureStatus, QuarantineEntry
from spark_operator.core import judge
from spark_operator.core.decide.judge_plan import judge_plan
from tests.unit.operator.core.builders import (
    IMAGES,
    NOW,
    judged,
    name,
    resource,
    seen,
    status,
    workload,
)

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.observe.observations import Observations

GOOD, BAD, BOTH_BAD, TOO_FEW = judged(0.0), judged(0.5), judged(0.5, 0.5), judged(0.0, seconds=4)
SILENT = judge.start(judge_plan(resource().spec), NOW - 60)


def failure(version: int, outcome: str = "Failed") -> FailureStatus:
    return FailureStatus.model_validate(
        {
            "release": name(version),
            "image": IMAGES[version],
            "outcome": outcome,
            "reason": "ErrorRateCritical",
            "message": "half of its answers were errors",
            "at": to_time(NOW - 30),
        }
    )


def held(version: int, digest: str | None = None) -> QuarantineEntry:
    return QuarantineEntry(
        release=name(version),
        image=IMAGES[version],
        digest=digest,
        reason="ErrorRateCritical",
        at=to_time(NOW - 30),
    )


class Case(NamedTuple):
    """One decision: the version in spec, the status before, what was seen, what must come of it."""

    label: str
    version: int
    before: SparkDeploymentStatus
    seen: Observations
    phase: str
    weight: int = 0
    told: str = ""
    spec: dict[str, Any] = {}  # noqa: RUF012 - never changed
    asked: dict[str, str] = {}  # noqa: RUF012 - never changed


LATE = NOW - 601
"""Past the progress deadline."""
ONE, TWO = workload(1, 4), workload(2, 1)
FOUR_TWOS = workload(2, 4)


def at(step: int, weight: int, phase: str = "Progressing", **more: Any) -> SparkDeploymentStatus:
    return status(phase, candidate=2, weight=weight, step=step, **more)


def shared(state: judge.JudgeState | None = GOOD, **more: Any) -> Observations:
    return seen(ONE, TWO, route="shared", judge=state, **more)


def guarded(*, watched: float = 5.0, **more: Any) -> SparkDeploymentStatus:
    """Under guard; ``watched``: seconds since the judge's last checkpoint."""
    return status("Guarding", stable=2, previous=1, **more).model_copy(
        update={"first_traffic_at": to_time(NOW - 300), "judge_at": to_time(NOW - watched)}
    )


def under_guard(state: judge.JudgeState = GOOD) -> Observations:
    return seen(ONE, FOUR_TWOS, route=2, judge=state)
