"""Migrations on a real PostgreSQL: up, down, at most once, whoever is killed or runs beside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import pytest
import sqlalchemy as sa

from spark_app.storage.database import connect
from spark_app.storage.migrate import LOCK_KEY, LockTimeoutError, MigrationError, migrate
from spark_app.storage.tables import metadata

FIRST, SECOND = "20241201000000", "20241207000000"


async def _command(url: str | None, *arguments: str, **more: str) -> tuple[int, str, str]:
    environment = {"PATH": os.environ["PATH"], **more}
    if url is not None:
        environment["DATABASE_URL"] = url
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "spark_app", "migrate", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


async def _columns(url: str) -> dict[str, set[str]]:
    engine = connect(url, pool=1)

    def look(connection: Any) -> dict[str, set[str]]:
        found = sa.inspect(connection)
        return {
            table: {column["name"] for column in found.get_columns(table)}
            for table in found.get_table_names()
        }

    async with engine.connect() as connection:
        columns = await connection.run_sync(look)
    await engine.dispose()
    return columns


async def test_up_makes_the_tables_that_the_service_uses(url: str) -> None:
    status = await migrate(url, "up", release="r1")
    assert (status.current, status.pending, status.known) == (SECOND, (), True)
    assert [(row["version"], row["direction"], row["release"]) for row in status.ledger] == [
        (FIRST, "up", "r1"),
        (SECOND, "up", "r1"),
    ]
    columns = await _columns(url)
    for table in metadata.sorted_tables:
        assert columns[table.name] == {column.name for column in table.columns}


async def test_rollback_undoes_one_or_all_and_up_applies_again(url: str) -> None:
    await migrate(url, "up")
    before = await _columns(url)
    assert (await migrate(url, "rollback")).current == FIRST
    assert "spark_usage" not in await _columns(url)
    assert (await migrate(url, "up")).current == SECOND
    assert await _columns(url) == before
    assert (await migrate(url, "rollback", to=FIRST)).current == FIRST
    status = await migrate(url, "rollback", to="base")
    assert (status.current, status.pending) == (None, (FIRST, SECOND))
    assert [row["direction"] for row in status.ledger] == ["up", "up", "down", "up", "down", "down"]


async def test_what_makes_no_sense_is_refused_in_words(url: str) -> None:
    with pytest.raises(MigrationError, match="nothing to roll back"):
        await migrate(url, "rollback")
    assert (await migrate(url, "rollback", to="base")).current is None
    await migrate(url, "up")
    with pytest.raises(MigrationError, match="there is no version 20990101000000"):
        await migrate(url, "rollback", to="20990101000000")
    await migrate(url, "rollback")
    with pytest.raises(MigrationError, match="is newer than"):
        await migrate(url, "rollback", to=SECOND)


async def test_an_older_release_refuses_a_newer_schema(url: str) -> None:
    await migrate(url, "up")
    engine = connect(url, pool=1)
    async with engine.begin() as connection:
        await connection.execute(sa.text("UPDATE spark_schema_version SET version_num='20990101'"))
    await engine.dispose()
    assert (await migrate(url, "status")).known is False
    for action in ("up", "rollback"):
        with pytest.raises(MigrationError, match="20990101"):
            await migrate(url, action)


async def test_many_at_once_apply_each_version_once(url: str) -> None:
    results = await asyncio.gather(*(migrate(url, "up", release=f"r{n}") for n in range(6)))
    assert {status.current for status in results} == {SECOND}
    ledger = (await migrate(url, "status")).ledger
    assert [row["version"] for row in ledger] == [FIRST, SECOND]


async def test_a_held_lock_is_waited_for_and_then_said(url: str) -> None:
    engine = connect(url, pool=1)
    async with engine.connect() as connection:
        await connection.execute(sa.text(f"SELECT pg_advisory_lock({LOCK_KEY})"))
        with pytest.raises(LockTimeoutError, match="another migration has held the lock"):
            await migrate(url, "up", lock_seconds=0.3)
    await engine.dispose()
    assert (await migrate(url, "status")).current is None


@pytest.mark.parametrize("after", [0.0, 0.5, 0.8, 1.1, 1.5])
async def test_killed_at_any_moment_it_can_be_repeated_and_nothing_is_done_twice(
    url: str, after: float
) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "spark_app",
        "migrate",
        "up",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await asyncio.sleep(after)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()
    half = await migrate(url, "status")
    assert [row["version"] for row in half.ledger] == [FIRST, SECOND][: 2 - len(half.pending)]
    status = await migrate(url, "up", lock_seconds=15)
    assert status.current == SECOND
    assert [row["version"] for row in status.ledger] == [FIRST, SECOND]


async def test_the_command_says_what_happened(url: str) -> None:
    code, out, _ = await _command(url, "up", SPARK_RELEASE="r7")
    assert (code, "pending: none" in out, "by r7" in out) == (0, True, True)
    code, out, _ = await _command(url, "status", "--json")
    assert (code, json.loads(out)["current"]) == (0, SECOND)
    code, _, error = await _command(url, "rollback", "--to", "nonsense")
    assert (code, "there is no version nonsense" in error) == (1, True)


async def test_the_command_names_a_wrong_database_and_no_password() -> None:
    code, _, error = await _command(None, "up")
    assert (code, "DATABASE_URL is not set" in error) == (2, True)
    code, _, error = await _command("mysql://a:b@c/d", "up")
    assert (code, "postgresql://" in error) == (2, True)
    code, _, error = await _command("postgresql://u:hunter2@127.0.0.1:1/d", "up")
    assert (code, "can't be reached" in error) == (3, True)
    assert "hunter2" not in error
    assert "Traceback" not in error
