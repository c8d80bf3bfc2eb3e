"""Connections to PostgreSQL, and the writer of records.

Records are written in batches, each batch in one transaction. A record that arrives twice is
written once: its id is the primary key, and usage rises only for rows that were new.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from spark_app.delivery.records import AuditRecord, RequestRecord
from spark_app.storage.tables import audit_log, requests, usage

if TYPE_CHECKING:
    from spark_app.delivery.records import Record

__all__ = ["DatabaseURLError", "DatabaseWriter", "connect", "driver_url"]

CONNECT_SECONDS = 3


class DatabaseURLError(Exception):
    """`DATABASE_URL` can't be used; the message doesn't repeat it."""


def driver_url(url: str) -> URL:
    """The URL with our driver in it.

    Raises:
        DatabaseURLError: it is no PostgreSQL URL.
    """
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise DatabaseURLError(
            "DATABASE_URL is no URL; write postgresql://user:pw@host/db"
        ) from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise DatabaseURLError("DATABASE_URL must begin with postgresql://")
    return parsed.set(drivername="postgresql+asyncpg")


def connect(url: str, *, pool: int = 5, command_seconds: float | None = 10.0) -> AsyncEngine:
    """An engine; nothing is connected yet.

    `pool` connections stay open; as many more may come and go. `command_seconds` bounds one
    statement, None leaves it to whoever runs it.
    """
    return create_async_engine(
        driver_url(url),
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=CONNECT_SECONDS,
        pool_recycle=300,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_SECONDS, "command_timeout": command_seconds},
    )


class DatabaseWriter:
    """Writes records."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def __call__(self, records: list[Record]) -> None:
        """Write a batch, all or nothing."""
        made = [record for record in records if isinstance(record, RequestRecord)]
        audit = [asdict(record) for record in records if isinstance(record, AuditRecord)]
        async with self._engine.begin() as connection:
            if made:
                await _write_requests(connection, made)
            if audit:
                await connection.execute(insert(audit_log).on_conflict_do_nothing(), audit)


async def _write_requests(connection: AsyncConnection, records: list[RequestRecord]) -> None:
    statement = (
        insert(requests)
        .values([asdict(record) for record in records])
        .on_conflict_do_nothing()
        .returning(requests.c.id)
    )
    new = set((await connection.execute(statement)).scalars())
    rows = _usage([record for record in records if record.id in new])
    if rows:
        add = insert(usage).values(rows)
        counted = ("generations", "exports", "input_tokens", "output_tokens")
        await connection.execute(
            add.on_conflict_do_update(
                index_elements=["day", "key_id"],
                set_={name: usage.c[name] + add.excluded[name] for name in counted},
            )
        )


def _usage(records: list[RequestRecord]) -> list[dict[str, Any]]:
    sums: dict[tuple[Any, str], dict[str, int]] = defaultdict(
        lambda: {"generations": 0, "exports": 0, "input_tokens": 0, "output_tokens": 0}
    )
    for record in records:
        row = sums[record.at.date(), record.key_id]
        row["generations"] += record.kind == "generation"
        row["exports"] += record.kind == "export"
        row["input_tokens"] += record.input_tokens
        row["output_tokens"] += record.output_tokens
    # One order for everybody, so that two pods never wait for each other's rows.
    return [{"day": day, "key_id": key_id, **row} for (day, key_id), row in sorted(sums.items())]
