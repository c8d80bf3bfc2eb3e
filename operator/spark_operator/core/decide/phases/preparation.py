"""Between the wish for a release and its first pod: preflight, then its migration.

Both are Jobs in the release's own image. Nothing that they find is the fault of traffic, and no
user meets it: a failed preflight leaves the release untried, a failed migration quarantines it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.jobs.undo_migration import version_of
from spark_operator.core.decide.phases.launch import launch
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobKind, JobStatus
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.model.reasons import Reason

REPEAT_SECONDS: Final = 60.0
"""How soon the first release's preflight is repeated: there is nothing else to fall back on."""

_KINDS: Final[dict[Phase, JobKind]] = {Phase.PREFLIGHT: "preflight", Phase.MIGRATING: "migrate"}


def prepare(draft: RolloutDraft) -> None:
    """Begin with the first of what is wanted before the candidate's first pod."""
    release = draft.on_trial.release
    if draft.spec.preflight.enabled:
        runs.start(draft, "preflight", release)
        draft.transition(Phase.PREFLIGHT)
        draft.record(
            LedgerDecision.PREFLIGHT_STARTED,
            DecisionReason.NEW_RELEASE,
            f"keys and dependencies of {draft.on_trial.image} are checked before its first pod",
            release=release,
        )
    else:
        _migrate_or_launch(draft)


def preflight(draft: RolloutDraft) -> None:
    """Wait for the checks; go on where they pass."""
    if _begin_anew(draft) is Progress.LEFT_PHASE:
        return
    role = draft.on_trial
    job = runs.find(draft, "preflight", role.release)
    if job is None:
        runs.start(draft, "preflight", role.release)
    elif job.state == "Running" or draft.spec.paused or draft.status.held:
        return
    elif job.state == "Passed":
        head = job.schema_.head if job.schema_ else None
        draft.set(candidate=role.model_copy(update={"schema_head": head}))
        draft.record(
            LedgerDecision.PREFLIGHT_PASSED,
            DecisionReason.PASSED,
            runs.summary(job),
            release=role.release,
        )
        _migrate_or_launch(draft)
    elif job.state == "Failed" or runs.run_again(draft, job) is Progress.DONE:
        _refuse(draft, job, DecisionReason.PREFLIGHT_FAILED, RolloutOutcome.INCONCLUSIVE)


def migrating(draft: RolloutDraft) -> None:
    """Wait for the migration; go on where it is done."""
    role = draft.on_trial
    job = runs.find(draft, "migrate", role.release)
    is_running = job is not None and job.state == "Running"
    if not is_running and _begin_anew(draft) is Progress.LEFT_PHASE:
        return
    if job is None:
        _start_migration(draft)
    elif job.state == "Running":
        return
    elif job.state == "Passed":
        current = job.schema_.current if job.schema_ else None
        draft.record(
            LedgerDecision.MIGRATED,
            DecisionReason.PASSED,
            f"the schema is at {current}" if current else "the migration is done",
            release=role.release,
        )
        launch(draft)
    elif job.state == "Failed" or runs.run_again(draft, job) is Progress.DONE:
        _refuse(
            draft,
            job,
            DecisionReason.MIGRATION_FAILED,
            RolloutOutcome.FAILED if job.state == "Failed" else RolloutOutcome.INCONCLUSIVE,
        )


def _begin_anew(draft: RolloutDraft) -> Progress:
    """Begin anew where the spec names another first release: there is nothing to go back to."""
    if draft.status.stable is not None or draft.on_trial.release == draft.desired.name:
        return Progress.DONE
    draft.set(candidate=None)
    draft.transition(Phase.PENDING)
    return Progress.LEFT_PHASE


def _migrate_or_launch(draft: RolloutDraft) -> None:
    if draft.desired.migrations is None:
        launch(draft)
        return
    _start_migration(draft)
    draft.transition(Phase.MIGRATING)
    draft.record(
        LedgerDecision.MIGRATION_STARTED,
        DecisionReason.NEW_RELEASE,
        f"the schema is brought to what {draft.on_trial.image} needs, before its first pod",
        release=draft.on_trial.release,
    )


def _start_migration(draft: RolloutDraft) -> None:
    """Run it, and keep where the schema was, so that it can be brought back there."""
    release = draft.on_trial.release
    before = runs.find(draft, "preflight", release)
    schema = before.schema_ if before else None
    target = version_of(schema) if schema else ""
    runs.start(draft, "migrate", release, schema=schema, target=target)


def _refuse(draft: RolloutDraft, job: JobStatus, reason: Reason, outcome: RolloutOutcome) -> None:
    """Give the release up; the first one of all stays, and its preflight is repeated."""
    if draft.status.stable is not None:
        roll_back(draft, outcome, reason, runs.explain(job))
    elif job.kind == "preflight" and runs.rest(draft, job, REPEAT_SECONDS) is Progress.DONE:
        runs.start(draft, "preflight", job.release)


def repeat(draft: RolloutDraft) -> Progress:
    """Run the first release's failed Job once more, as a person asks; DONE: none has failed."""
    role = draft.status.candidate
    kind = _KINDS.get(draft.phase)
    job = runs.find(draft, kind, role.release) if role and kind else None
    if job is None or job.state in ("Running", "Passed"):
        return Progress.DONE
    runs.start(draft, job.kind, job.release, target=job.target, schema=job.schema_)
    return Progress.WAIT
