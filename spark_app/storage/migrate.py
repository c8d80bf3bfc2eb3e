"""``spark-app migrate up | rollback [--to VERSION] | status``.

At most once, whoever else runs it: one advisory lock of the session is held throughout, each
version is applied in one transaction together with its entry in the ledger and the schema version,
and an applied version is skipped. Killed half way, nothing of the version at hand remains.

A version waits for a table's lock only briefly: whoever waits for one keeps every user of the
table waiting behind, and the stable release is serving.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from spark_app.storage.chain import Chain, MigrationError, config, load_chain
from spark_app.storage.database import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config
    from sqlalchemy import Connection

LOCK_KEY: Final = 0x535041524B
"""The advisory lock's number: 'SPARK' in ASCII."""
LOCK_SECONDS: Final = 60.0
TABLE_LOCK_SECONDS: Final = 10.0
"""How long a version waits for a table that is in use."""
CLIENT_CHECK_SECONDS: Final = 1.0
"""How often the server looks whether we are still there while a version runs."""
_LEDGER: Final = (
    """
CREATE TABLE IF NOT EXISTS spark_migration_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    release text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)""",
    # Behind the table: releases that knew no floor may have made it.
    "ALTER TABLE spark_migration_ledger ADD COLUMN IF NOT EXISTS floor text",
)


class LockTimeoutError(MigrationError):
    """Somebody else has been migrating for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where the schema is.

    Attributes:
        current: the database's version, None when it has none.
        head: this release's newest version.
        pending: versions still to apply, oldest first.
        known: False when the database is at a version that this release does not know.
        floor: the oldest head whose release runs on this release's head.
        database_floor: the oldest head whose release runs on the schema as it is; None where there
            is no schema, or where it was applied by a release that noted none.
        ledger: every version applied or undone, oldest first.
    """

    current: str | None
    head: str
    pending: tuple[str, ...]
    known: bool
    floor: str
    database_floor: str | None
    ledger: tuple[dict[str, str | None], ...]

    @property
    def excluded(self) -> bool:
        """Whether this release cannot run on the schema, which a newer one has applied."""
        return not self.known and (self.database_floor is None or self.head < self.database_floor)

    def would_exclude(self, head: str) -> bool:
        """Return whether the pending versions take the schema from a release with that head."""
        return bool(self.pending) and (self.database_floor or "") <= head < self.floor

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)


async def migrate(
    url: str,
    action: str,
    *,
    to: str | None = None,
    release: str = "dev",
    lock_seconds: float = LOCK_SECONDS,
) -> Status:
    """Do one of ``up``, ``rollback`` and ``status``; returns where the schema is afterwards.

    ``to`` is the version to go back to, None undoes the last one. The ledger keeps ``release``;
    ``lock_seconds`` is how long to wait for whoever is migrating.

    Raises:
        LockTimeoutError: somebody else holds the lock.
        MigrationError: ``to`` is unknown, or the database's version is, or a version failed.
    """
    engine = connect(url, pool=1, command_seconds=None)
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


def _watch_client(connection: Connection) -> None:
    """Have the server end what it does for us as soon as we are gone, killed for example.

    It would otherwise notice after the statement at hand, hours later perhaps, and hold our locks
    until then: https://www.postgresql.org/docs/current/runtime-config-connection.html
    """
    # Absent before PostgreSQL 14, and refused where the system cannot tell.
    with contextlib.suppress(DBAPIError):
        connection.execute(
            sa.text(f"SET client_connection_check_interval = {int(CLIENT_CHECK_SECONDS * 1000)}")
        )
        connection.commit()
        return
    connection.rollback()


def _lock(connection: Connection, seconds: float) -> None:
    _watch_client(connection)
    connection.execute(sa.text(f"SET lock_timeout = {int(seconds * 1000)}"))
    try:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise LockTimeoutError(
                f"another migration has held the lock for {seconds:g} s; see which, and repeat"
            ) from None
        raise
    connection.execute(sa.text(f"SET lock_timeout = {int(TABLE_LOCK_SECONDS * 1000)}"))
    for statement in _LEDGER:
        connection.execute(sa.text(statement))
    connection.commit()


def _up(connection: Connection, release: str, to: str | None) -> None:
    del to
    status = _status(connection)
    if status.excluded:
        raise MigrationError(excluded_words(status))
    if status.known:
        _alembic(connection, release, lambda c: command.upgrade(c, "head"), status.pending)


def _rollback(connection: Connection, release: str, to: str | None) -> None:
    status, versions = _status(connection), load_chain().versions
    if not status.known:
        raise MigrationError(
            f"the database is at version {status.current}, which only a newer release can undo"
        )
    if status.current is None and to == "base":
        return
    if status.current is None:
        raise MigrationError("there is nothing to roll back: no version is applied")
    if to is not None and to not in {*versions, "base"}:
        raise MigrationError(f"there is no version {to}; there are: base, {', '.join(versions)}")
    if to in versions and versions.index(to) > versions.index(status.current):
        raise MigrationError(f"version {to} is newer than {status.current}; use `migrate up`")
    applied = versions[: versions.index(status.current) + 1]
    _alembic(connection, release, lambda c: command.downgrade(c, to or "-1"), applied[::-1])


def excluded_words(status: Status) -> str:
    """Say why the schema excludes this release, and what to do."""
    return (
        f"the schema {status.current} excludes this release (its head {status.head}): roll back"
        f" with the newer release's `spark-app migrate rollback --to {status.head}`,"
        " or deploy a newer one"
    )


def _alembic(
    connection: Connection, release: str, work: Callable[[Config], None], planned: tuple[str, ...]
) -> None:
    made, done = config(), list[str]()
    chain = load_chain()

    def note(*, ctx: MigrationContext, step: Any, **_: Any) -> None:
        # Called inside the version's own transaction.
        if ctx.connection is None:
            raise MigrationError("migrations need a database; offline mode is not supported")
        version = step.up_revision_id if step.is_upgrade else step.source_revision_ids[0]
        _enter(ctx.connection, version, release, chain, upwards=step.is_upgrade)
        done.append(version)

    made.attributes["connection"] = connection
    made.attributes["on_version_apply"] = note
    connection.commit()
    try:
        work(made)
        connection.commit()
    except MigrationError:
        raise
    except Exception as error:
        # Whatever a version's own code raises: what is said must name the version.
        name = planned[len(done)] if len(done) < len(planned) else "the last"
        raise MigrationError(
            f"version {name} failed and nothing of it remains: {reason(error)}"
        ) from error


def _enter(
    connection: Connection, version: str, release: str, chain: Chain, *, upwards: bool
) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO spark_migration_ledger (version, direction, release, floor)"
            " VALUES (:version, :direction, :release, :floor)"
        ),
        {
            "version": version,
            "direction": "up" if upwards else "down",
            "release": release,
            "floor": chain.floor(version) if upwards else None,
        },
    )


def reason(error: BaseException) -> str:
    """Give a driver's error in PostgreSQL's words: these name user and database, no password."""
    original: Any = getattr(error, "orig", None) or error
    # asyncpg's own exception is the cause of the one that SQLAlchemy's adapter makes of it; its
    # first line has no row's values in it.
    original = original.__cause__ or original
    first = (str(original).strip().splitlines() or [""])[0]
    if getattr(original, "sqlstate", None) == "55P03":
        first = f"a table it changes was in use for {TABLE_LOCK_SECONDS:g} s; repeat it later"
    return f"{type(original).__name__}: {first[:300]}" if first else type(original).__name__


def _status(connection: Connection) -> Status:
    context = MigrationContext.configure(connection, opts={"version_table": "spark_schema_version"})
    current, chain = context.get_current_revision(), load_chain()
    known = current is None or current in chain.versions
    ledger = _ledger(connection)
    connection.commit()
    # A schema that was moved past the ledger has no floor that could be trusted.
    noted = [r["floor"] for r in ledger if (r["version"], r["direction"]) == (current, "up")]
    return Status(
        current=current,
        head=chain.head,
        pending=chain.after(current) if known else (),
        known=known,
        floor=chain.floors[-1],
        database_floor=chain.floor(current) if known else next(iter(noted), None),
        ledger=tuple(reversed(ledger)),
    )


def _ledger(connection: Connection) -> list[dict[str, str | None]]:
    # The newest first.
    if not sa.inspect(connection).has_table("spark_migration_ledger"):
        return []
    # The row as JSON: a ledger made by an older release has no floor.
    rows = connection.execute(
        sa.text(
            "SELECT version, direction, release, applied_at, to_jsonb(l) ->> 'floor' AS floor"
            " FROM spark_migration_ledger l ORDER BY id DESC LIMIT 100"
        )
    )
    return [
        {name: None if value is None else str(value) for name, value in row._mapping.items()}  # noqa: SLF001
        for row in rows
    ]


def run(url: str, action: str, to: str | None) -> Status:
    """Run ``migrate`` for the command line; the release comes from ``SPARK_RELEASE``."""
    release = os.environ.get("SPARK_RELEASE") or "dev"
    return asyncio.run(migrate(url, action, to=to, release=release))
