"""What becomes of a migration whose release is gone.

The stable release ran beside the new schema all through the trial, so nothing has to happen at
once; whether the schema is brought back is for the release to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.core.decide.jobs import runs

if TYPE_CHECKING:
    from spark_operator.api.jobs import Migrations
    from spark_operator.api.status.runs import JobStatus, SchemaStatus
    from spark_operator.core.decide.draft import Turn

BASE: Final = "base"
"""Alembic's name for a schema without any version."""


def undone(turn: Turn) -> bool:
    """Whether the schema is where it shall stay, after the release on its way out migrated it."""
    name = turn.on_trial.release
    migrated = runs.find(turn, "migrate", name)
    kept = turn.observations.revisions.get(name)
    if migrated is None or kept is None or kept.migrations is None:
        return True
    if migrated.schema_ and migrated.target == version_of(migrated.schema_):
        return True
    if kept.migrations.rollback != "Automatic" or not _has_way(migrated):
        _tell_kept(turn, migrated, kept.migrations)
        return True
    job = runs.find(turn, "undo", name)
    if job is None or (migrated.finished_at and job.started_at < migrated.finished_at):
        runs.start(turn, "undo", name, target=migrated.target)
        return False
    if job.state == "Running" or (job.state == "Lost" and runs.again(turn, job)):
        return False
    _tell_ended(turn, job)
    return True


def version_of(schema: SchemaStatus) -> str:
    """What brings a schema where it is now, as the rollback's command names it."""
    return schema.current or BASE


def _has_way(migrated: JobStatus) -> bool:
    """Whether undoing leads where the migration began, and not past it.

    Without a version the command undoes the last one, which is stable's own where the migration
    came to nothing.
    """
    return bool(migrated.target) or (migrated.state == "Passed" and migrated.schema_ is None)


def on_request(turn: Turn, version: str) -> str:
    """Start undoing the last migration, to ``version`` or to where it began: what came of it."""
    migrated = next((job for job in turn.status.jobs if job.kind == "migrate"), None)
    kept = turn.observations.revisions.get(migrated.release) if migrated else None
    if migrated is None or kept is None or kept.migrations is None:
        return "NothingMigrated"
    if kept.migrations.rollback == "Forbidden":
        return "MigrationForbidden"
    stable = turn.status.stable
    if stable is not None and stable.release == migrated.release:
        return "StableNeedsSchema"
    job = runs.find(turn, "undo", migrated.release)
    if job is not None and job.state == "Running":
        return "AlreadyUndoing"
    if not version and not _has_way(migrated):
        return "VersionNeeded"
    runs.start(turn, "undo", migrated.release, target=version[:32] or migrated.target)
    return "Done"


def _tell_kept(turn: Turn, migrated: JobStatus, migrations: Migrations) -> None:
    at = migrated.schema_.current if migrated.schema_ else None
    how = {
        "Allowed": "it may be undone with the annotation spark.dev/undo-migration: TOKEN",
        "Forbidden": "the release says that it cannot be undone",
        "Automatic": "where it was before is not known, since no preflight looked: see to it"
        " yourself with the annotation spark.dev/undo-migration: VERSION@TOKEN",
    }[migrations.rollback]
    stable = turn.status.stable.image if turn.status.stable else "nothing"
    turn.note(
        "SchemaKept",
        f"Rollback{migrations.rollback}",
        f"the schema stays at {at or 'what it was brought to'}, which {stable} runs on: {how}",
        release=migrated.release,
    )


def _tell_ended(turn: Turn, job: JobStatus) -> None:
    if job.state == "Passed":
        at = job.schema_.current if job.schema_ else job.target
        turn.note(
            "MigrationUndone", "Passed", f"the schema is back at {at or 'the version before'}",
            release=job.release,
        )  # fmt: skip
        return
    turn.note(
        "MigrationRollbackFailed",
        job.state,
        f"the schema was not brought back: {runs.explain(job)}: do it by hand",
        release=job.release,
        warning=True,
    )
