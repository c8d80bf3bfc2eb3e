"""`spark-app migrate up | rollback [--to VERSION] | status`.

At most once, whoever else runs it: one advisory lock of the session is held throughout, each
version is applied in one transaction together with its entry in the ledger and the schema version,
and an applied version is skipped. Killed half way, nothing of the version at hand remains.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from spark_app.storage.database import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

__all__ = ["LOCK_KEY", "LockTimeoutError", "MigrationError", "Status", "migrate"]

LOCK_KEY = 0x535041524B
"""The advisory lock's number: 'SPARK' in ASCII."""
LOCK_SECONDS = 60.0
_LEDGER = """
CREATE TABLE IF NOT EXISTS spark_migration_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    release text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(Exception):
    """The schema can't be brought where it was wanted; the message says what to do."""


class LockTimeoutError(MigrationError):
    """Somebody else has been migrating for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where the schema is.

    Attributes:
        current: the database's version, None when it has none.
        head: this release's newest version.
        pending: versions still to apply, oldest first.
        known: False when the database is at a version that this release doesn't know.
        ledger: every version applied or undone, oldest first.
    """

    current: str | None
    head: str
    pending: tuple[str, ...]
    known: bool
    ledger: tuple[dict[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self)


async def migrate(
    url: str,
    action: str,
    *,
    to: str | None = None,
    release: str = "dev",
    lock_seconds: float = LOCK_SECONDS,
) -> Status:
    """Do one of `up`, `rollback` and `status`; returns where the schema is afterwards.

    `to` is the version to go back to, None undoes the last one; `release` is noted in the ledger;
    `lock_seconds` is how long to wait for whoever is migrating.

    Raises:
        LockTimeoutError: somebody else holds the lock.
        MigrationError: `to` is unknown, or the database's version is.
    """
    engine = connect(url, pool=1)
    try:
        async with engine.connect() as connection:
            if action == "status":
                return await connection.run_sync(_status)
            await connection.run_sync(_lock, lock_seconds)
            work = _up if action == "up" else _rollback
            await connection.run_sync(work, release, to)
            status = await connection.run_sync(_status)
            await connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
            await connection.commit()
            return status
    finally:
        await engine.dispose()


def _lock(connection: Connection, seconds: float) -> None:
    connection.execute(sa.text(f"SET lock_timeout = {int(seconds * 1000)}"))
    try:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise LockTimeoutError(
                f"another migration has held the lock for {seconds:g} s; see which, and repeat"
            ) from None
        raise
    connection.execute(sa.text("SET lock_timeout = 0"))
    connection.execute(sa.text(_LEDGER))
    connection.commit()


def _up(connection: Connection, release: str, to: str | None) -> None:
    del to
    status = _status(connection)
    if not status.known:
        raise MigrationError(
            f"the database is at version {status.current}, which this release doesn't know:"
            " run a newer release, or roll back with the one that applied it"
        )
    _alembic(connection, release, lambda config: command.upgrade(config, "head"))


def _rollback(connection: Connection, release: str, to: str | None) -> None:
    status = _status(connection)
    versions = [*reversed([r.revision for r in _scripts().walk_revisions()])]
    if not status.known:
        raise MigrationError(
            f"the database is at version {status.current}, which only a newer release can undo"
        )
    if status.current is None:
        raise MigrationError("there is nothing to roll back: no version is applied")
    if to is not None and to not in {*versions, "base"}:
        raise MigrationError(f"there is no version {to}; there are: base, {', '.join(versions)}")
    if to in versions and versions.index(to) > versions.index(status.current):
        raise MigrationError(f"version {to} is newer than {status.current}; use `migrate up`")
    _alembic(connection, release, lambda config: command.downgrade(config, to or "-1"))


def _alembic(connection: Connection, release: str, work: Callable[[Config], None]) -> None:
    config = _config()
    config.attributes["connection"] = connection

    def note(*, ctx: MigrationContext, step: Any, **_: Any) -> None:
        # Called inside the version's own transaction.
        if ctx.connection is None:
            raise MigrationError("migrations need a database; offline mode is not supported")
        version = step.up_revision_id if step.is_upgrade else step.source_revision_ids[0]
        ctx.connection.execute(
            sa.text(
                "INSERT INTO spark_migration_ledger (version, direction, release)"
                " VALUES (:version, :direction, :release)"
            ),
            {
                "version": version,
                "direction": "up" if step.is_upgrade else "down",
                "release": release,
            },
        )

    config.attributes["on_version_apply"] = note
    connection.commit()
    work(config)
    connection.commit()


def _status(connection: Connection) -> Status:
    context = MigrationContext.configure(connection, opts={"version_table": "spark_schema_version"})
    current = context.get_current_revision()
    versions = [*reversed([r.revision for r in _scripts().walk_revisions()])]
    known = current is None or current in versions
    done = versions.index(current) + 1 if current in versions else 0
    ledger: list[dict[str, str]] = []
    if sa.inspect(connection).has_table("spark_migration_ledger"):
        rows = connection.execute(
            sa.text(
                "SELECT version, direction, release, applied_at FROM spark_migration_ledger"
                " ORDER BY id DESC LIMIT 100"
            )
        )
        ledger = [{name: str(value) for name, value in row._mapping.items()} for row in rows]  # noqa: SLF001
    connection.commit()
    return Status(
        current=current,
        head=versions[-1],
        pending=tuple(versions[done:]) if known else (),
        known=known,
        ledger=tuple(reversed(ledger)),
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def run(url: str, action: str, to: str | None) -> Status:
    """`migrate` for the command line; the release comes from `SPARK_RELEASE`."""
    release = os.environ.get("SPARK_RELEASE") or "dev"
    return asyncio.run(migrate(url, action, to=to, release=release))
