"""Decisions before a candidate's first pod: preflight and migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spark_operator.api.fields import to_time
from spark_operator.api.status.runs import CheckStatus, JobStatus, SchemaStatus
from tests.unit.operator.core.builders import NOW, name, seen, status
from tests.unit.operator.core.decide.cases import ONE, Case

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobKind, JobState
    from spark_operator.api.status.status import SparkDeploymentStatus

CHECKED: dict[str, Any] = {"preflight": {"enabled": True}}
MIGRATED: dict[str, Any] = {"migrations": {}}
BOTH = CHECKED | MIGRATED
OLD_SCHEMA = SchemaStatus(current="0001", head="0002")
NEW_SCHEMA = SchemaStatus(current="0002", head="0002")


def job(
    kind: JobKind,
    state: JobState = "Passed",
    *,
    version: int = 2,
    spec: dict[str, Any] | None = None,
    **more: Any,
) -> JobStatus:
    """A Job of status; ``spec`` is what makes the release another one than by default."""
    failed = CheckStatus(check="database", status="fail", detail="the password is refused")
    made = JobStatus(
        kind=kind,
        release=name(version, **(spec or {})),
        number=1,
        state=state,
        started_at=to_time(NOW - 20),
        finished_at=None if state == "Running" else to_time(NOW - 10),
        checks=(failed,) if state == "Failed" else (),
    )
    return made.model_copy(update=more)


def before(
    phase: str, *jobs: JobStatus, stable: int | None = 1, spec: dict[str, Any] | None = None
) -> SparkDeploymentStatus:
    made = status(phase, stable=stable, candidate=2, traffic=None, jobs=jobs)
    role = made.candidate
    assert role is not None
    role = role.model_copy(update={"release": name(2, **(spec or {})), "digest": None})
    return made.model_copy(update={"candidate": role})


def _case(
    label: str, given: SparkDeploymentStatus, phase: str, weight: int = 0, told: str = "",
    spec: dict[str, Any] | None = None,
) -> Case:  # fmt: skip
    return Case(label, 2, given, seen(ONE), phase, weight, told, spec or CHECKED)


FIRST = {"stable": None}
PREPARED = [
    _case("a release begins with its preflight", status("Pending"), "Preflight",
          told="PreflightStarted"),
    _case("without one it begins with its migration", status("Pending"), "Migrating",
          told="MigrationStarted", spec=MIGRATED),
    _case("a preflight that runs is waited for", before("Preflight", job("preflight", "Running")),
          "Preflight"),
    _case("a preflight nobody started is started", before("Preflight"), "Preflight"),
    _case("a passed preflight lets the trial start", before("Preflight", job("preflight")),
          "Progressing", 5, "TrialStarted"),
    _case("or the migration", before("Preflight", job("preflight", spec=MIGRATED), spec=MIGRATED),
          "Migrating", told="MigrationStarted", spec=BOTH),
    _case("a pause holds it before that", before("Preflight", job("preflight")), "Preflight",
          spec=CHECKED | {"paused": True}),
    _case("a failed preflight ends the trial", before("Preflight", job("preflight", "Failed")),
          "RollingBack", told="RollingBack"),
    _case("a lost one is repeated", before("Preflight", job("preflight", "Lost")), "Preflight"),
    _case("but not for ever", before("Preflight", job("preflight", "Lost", attempt=3)),
          "RollingBack", told="RollingBack"),
    _case("a first release whose preflight fails waits",
          before("Preflight", job("preflight", "Failed"), **FIRST), "Preflight"),
    _case("a first release that passes gets its pods",
          before("Preflight", job("preflight"), **FIRST), "Pending", told="PreflightPassed"),
    _case("a migration that runs is waited for",
          before("Migrating", job("migrate", "Running", spec=MIGRATED), spec=MIGRATED),
          "Migrating", spec=MIGRATED),
    _case("a migration that is done lets the trial start",
          before("Migrating", job("migrate", spec=MIGRATED), spec=MIGRATED),
          "Progressing", 5, "TrialStarted", MIGRATED),
    _case("a failed one ends the trial",
          before("Migrating", job("migrate", "Failed", spec=MIGRATED), spec=MIGRATED),
          "RollingBack", told="RollingBack", spec=MIGRATED),
    _case("a lost one is repeated",
          before("Migrating", job("migrate", "Lost", spec=MIGRATED), spec=MIGRATED),
          "Migrating", spec=MIGRATED),
]  # fmt: skip
