"""What becomes of a migration whose release is gone.

The stable release ran beside the new schema all through the trial, so nothing has to happen at
once; whether the schema is brought back is for the release to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.progress import Progress
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import DecisionReason, RequestResult

if TYPE_CHECKING:
    from spark_operator.api.jobs import Migrations
    from spark_operator.api.status.runs import JobStatus, SchemaStatus
    from spark_operator.core.decide.draft import RolloutDraft

BASE: Final = "base"
"""Alembic's name for a schema without any version."""


def undo(draft: RolloutDraft) -> Progress:
    """Bring the schema where it shall stay, after the release on its way out migrated it."""
    name = draft.on_trial.release
    migrated = runs.find(draft, "migrate", name)
    kept = draft.observations.revisions.get(name)
    if migrated is None or kept is None or kept.migrations is None:
        return Progress.DONE
    if migrated.schema_ and migrated.target == version_of(migrated.schema_):
        return Progress.DONE
    if kept.migrations.rollback != "Automatic" or not _has_way(migrated):
        _tell_kept(draft, migrated, kept.migrations)
        return Progress.DONE
    job = runs.find(draft, "undo", name)
    if job is None or (migrated.finished_at and job.started_at < migrated.finished_at):
        runs.start(draft, "undo", name, target=migrated.target)
        return Progress.WAIT
    is_running = job.state == "Running"
    if is_running or (job.state == "Lost" and runs.run_again(draft, job) is Progress.WAIT):
        return Progress.WAIT
    _tell_ended(draft, job)
    return Progress.DONE


def version_of(schema: SchemaStatus) -> str:
    """What brings a schema where it is now, as the rollback's command names it."""
    return schema.current or BASE


def _has_way(migrated: JobStatus) -> bool:
    """Whether undoing leads where the migration began, and not past it.

    Without a version the command undoes the last one, which is stable's own where the migration
    came to nothing.
    """
    return bool(migrated.target) or (migrated.state == "Passed" and migrated.schema_ is None)


def on_request(draft: RolloutDraft, version: str) -> RequestResult:
    """Start undoing the last migration, to ``version`` or to where it began: what came of it."""
    migrated = next((job for job in draft.status.jobs if job.kind == "migrate"), None)
    kept = draft.observations.revisions.get(migrated.release) if migrated else None
    if migrated is None or kept is None or kept.migrations is None:
        return RequestResult.NOTHING_MIGRATED
    if kept.migrations.rollback == "Forbidden":
        return RequestResult.MIGRATION_FORBIDDEN
    stable = draft.status.stable
    if stable is not None and stable.release == migrated.release:
        return RequestResult.STABLE_NEEDS_SCHEMA
    job = runs.find(draft, "undo", migrated.release)
    if job is not None and job.state == "Running":
        return RequestResult.ALREADY_UNDOING
    if not version and not _has_way(migrated):
        return RequestResult.VERSION_NEEDED
    runs.start(draft, "undo", migrated.release, target=version[:32] or migrated.target)
    return RequestResult.DONE


def _tell_kept(draft: RolloutDraft, migrated: JobStatus, migrations: Migrations) -> None:
    at = migrated.schema_.current if migrated.schema_ else None
    how = {
        "Allowed": "it may be undone with the annotation spark.dev/undo-migration: TOKEN",
        "Forbidden": "the release says that it cannot be undone",
        "Automatic": "where it was before is not known, since no preflight looked: see to it"
        " yourself with the annotation spark.dev/undo-migration: VERSION@TOKEN",
    }[migrations.rollback]
    stable = draft.status.stable.image if draft.status.stable else "nothing"
    draft.record(
        LedgerDecision.SCHEMA_KEPT,
        DecisionReason.of(f"Rollback{migrations.rollback}"),
        f"the schema stays at {at or 'what it was brought to'}, which {stable} runs on: {how}",
        release=migrated.release,
    )


def _tell_ended(draft: RolloutDraft, job: JobStatus) -> None:
    if job.state == "Passed":
        at = job.schema_.current if job.schema_ else job.target
        draft.record(
            LedgerDecision.MIGRATION_UNDONE,
            DecisionReason.PASSED,
            f"the schema is back at {at or 'the version before'}",
            release=job.release,
        )
        return
    draft.record(
        LedgerDecision.MIGRATION_ROLLBACK_FAILED,
        DecisionReason.of(job.state),
        f"the schema was not brought back: {runs.explain(job)}: do it by hand",
        release=job.release,
        warning=True,
    )
