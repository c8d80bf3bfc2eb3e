"""Between the wish for a release and its first pod: preflight, then its migration.

Both are Jobs in the release's own image. Nothing that they find is the fault of traffic, and no
user meets it: a failed preflight leaves the release untried, a failed migration quarantines it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.jobs.undo_migration import version_of
from spark_operator.core.decide.phases.launch import launch
from spark_operator.core.decide.rollback import retreat
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobKind, JobStatus
    from spark_operator.core.decide.draft import Turn
    from spark_operator.core.decide.rollback import Failure

REPEAT_SECONDS: Final = 60.0
"""How soon the first release's preflight is repeated: there is nothing else to fall back on."""

_KINDS: Final[dict[Phase, JobKind]] = {Phase.PREFLIGHT: "preflight", Phase.MIGRATING: "migrate"}


def prepare(turn: Turn) -> None:
    """Begin with the first of what is wanted before the candidate's first pod."""
    release = turn.on_trial.release
    if turn.spec.preflight.enabled:
        runs.start(turn, "preflight", release)
        turn.go(Phase.PREFLIGHT)
        turn.note(
            "PreflightStarted",
            "NewRelease",
            f"keys and dependencies of {turn.on_trial.image} are checked before its first pod",
            release=release,
        )
    else:
        _migrate_or_launch(turn)


def preflight(turn: Turn) -> None:
    """Wait for the checks; go on where they pass."""
    if _replaced(turn):
        return
    role = turn.on_trial
    job = runs.find(turn, "preflight", role.release)
    if job is None:
        runs.start(turn, "preflight", role.release)
    elif job.state == "Running" or turn.spec.paused or turn.status.held:
        return
    elif job.state == "Passed":
        head = job.schema_.head if job.schema_ else None
        turn.set(candidate=role.model_copy(update={"schema_head": head}))
        turn.note("PreflightPassed", "Passed", runs.summary(job), release=role.release)
        _migrate_or_launch(turn)
    elif job.state == "Failed" or not runs.again(turn, job):
        _refuse(turn, job, "PreflightFailed", "Inconclusive")


def migrating(turn: Turn) -> None:
    """Wait for the migration; go on where it is done."""
    role = turn.on_trial
    job = runs.find(turn, "migrate", role.release)
    if (job is None or job.state != "Running") and _replaced(turn):
        return
    if job is None:
        _start_migration(turn)
    elif job.state == "Running":
        return
    elif job.state == "Passed":
        current = job.schema_.current if job.schema_ else None
        turn.note(
            "Migrated",
            "Passed",
            f"the schema is at {current}" if current else "the migration is done",
            release=role.release,
        )
        launch(turn)
    elif job.state == "Failed" or not runs.again(turn, job):
        _refuse(turn, job, "MigrationFailed", "Failed" if job.state == "Failed" else "Inconclusive")


def _replaced(turn: Turn) -> bool:
    """Begin anew where the spec names another first release: there is nothing to go back to."""
    if turn.status.stable is not None or turn.on_trial.release == turn.desired.name:
        return False
    turn.set(candidate=None)
    turn.go(Phase.PENDING)
    return True


def _migrate_or_launch(turn: Turn) -> None:
    if turn.desired.migrations is None:
        launch(turn)
        return
    _start_migration(turn)
    turn.go(Phase.MIGRATING)
    turn.note(
        "MigrationStarted",
        "NewRelease",
        f"the schema is brought to what {turn.on_trial.image} needs, before its first pod",
        release=turn.on_trial.release,
    )


def _start_migration(turn: Turn) -> None:
    """Run it, and keep where the schema was, so that it can be brought back there."""
    release = turn.on_trial.release
    before = runs.find(turn, "preflight", release)
    schema = before.schema_ if before else None
    target = version_of(schema) if schema else ""
    runs.start(turn, "migrate", release, schema=schema, target=target)


def _refuse(turn: Turn, job: JobStatus, reason: str, outcome: Failure) -> None:
    """Give the release up; the first one of all stays, and its preflight is repeated."""
    if turn.status.stable is not None:
        retreat(turn, outcome, reason, runs.explain(job))
    elif job.kind == "preflight" and runs.has_rested(turn, job, REPEAT_SECONDS):
        runs.start(turn, "preflight", job.release)


def repeat(turn: Turn) -> bool:
    """Run the first release's failed Job once more, as a person asks; False: none has failed."""
    role = turn.status.candidate
    kind = _KINDS.get(turn.phase)
    job = runs.find(turn, kind, role.release) if role and kind else None
    if job is None or job.state in ("Running", "Passed"):
        return False
    runs.start(turn, job.kind, job.release, target=job.target, schema=job.schema_)
    return True
