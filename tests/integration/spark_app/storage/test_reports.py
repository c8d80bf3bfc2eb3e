"""Reports, and which release runs on which schema: expand and contract on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from spark_app.storage.database import connect
from spark_app.storage.migrate import MigrationError, migrate
from tests.integration.spark_app.releases import ADDS, FIRST, SECOND, THIRD, Release, release

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.spark_app.harness import Providers


@pytest.fixture
def old(tmp_path: Path) -> Release:
    (tmp_path / "old").mkdir()
    return release(tmp_path / "old")


def environment(providers: Providers, url: str) -> dict[str, Any]:
    key = {"ANTHROPIC_API_KEY": "claude-key", "ANTHROPIC_BASE_URL": providers.url}
    return {**key, "DATABASE_URL": url}


async def test_a_preflight_reports_its_checks_and_the_schema(
    providers: Providers, url: str, old: Release
) -> None:
    found = await old.run("preflight", **environment(providers, url))
    assert (found.code, found.report["passed"]) == (0, True)
    assert found.report["schema"] == {
        "current": None,
        "head": SECOND,
        "pending": [FIRST, SECOND],
        "known": True,
        "floor": FIRST,
    }
    checks = {one["check"]: one for one in found.report["checks"]}
    assert set(checks) == {"provider:claude", "database"}
    assert checks["provider:claude"]["status"] == "pass"
    assert checks["provider:claude"]["seconds"] > 0


async def test_a_preflight_names_settings_that_are_wrong_or_that_nothing_reads(
    providers: Providers, url: str, old: Release
) -> None:
    found = await old.run("preflight", **environment(providers, url), SPARK_RATELIMIT="often")
    assert (found.code, found.report["passed"]) == (0, True)
    assert found.detail("settings") == (
        "SPARK_RATELIMIT: no such setting, do you mean SPARK_RATE_LIMIT?"
    )
    found = await old.run("preflight", ANTHROPIC_API_KEY="k", SPARK_RATE_LIMIT="often", PORT="x")
    assert (found.code, found.report["passed"]) == (2, False)
    details = [one["detail"] for one in found.report["checks"]]
    assert any(detail.startswith("SPARK_RATE_LIMIT: write it like") for detail in details)
    assert any(detail.startswith("PORT: ") for detail in details)


async def test_a_failing_migration_says_which_and_why_and_leaves_nothing(
    url: str, tmp_path: Path
) -> None:
    broken = release(tmp_path, 'op.execute("ALTER TABLE spark_nothing ADD COLUMN note text")')
    found = await broken.run("migrate", "up", DATABASE_URL=url)
    assert (found.code, found.report["passed"]) == (1, False)
    assert found.detail("migrate") == (
        f"version {THIRD} failed and nothing of it remains:"
        ' UndefinedTableError: relation "spark_nothing" does not exist'
    )
    # The versions before it are applied: whoever wants to undo it must know where it got.
    assert found.report["schema"]["current"] == SECOND
    assert (await migrate(url, "status")).current == SECOND
    found = await broken.run("migrate", "rollback", "--to", FIRST, DATABASE_URL=url)
    assert (found.code, found.report["passed"]) == (0, True)
    assert found.report["schema"]["current"] == FIRST


async def test_a_defect_in_a_versions_own_code_is_no_lost_connection(
    url: str, tmp_path: Path
) -> None:
    broken = release(tmp_path, "{}['missing']")
    found = await broken.run("migrate", "up", DATABASE_URL=url)
    assert (found.code, found.detail("migrate").split(":")[-2:]) == (1, [" KeyError", " 'missing'"])


async def test_a_version_gives_up_where_a_table_is_in_use(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(url, "up")
    monkeypatch.setattr("spark_app.storage.migrate.TABLE_LOCK_SECONDS", 0.3)
    engine = connect(url, pool=1)
    async with engine.connect() as reader:
        await reader.execute(sa.text("SELECT * FROM spark_usage"))
        async with asyncio.timeout(10):
            with pytest.raises(MigrationError, match="a table it changes was in use"):
                await migrate(url, "rollback")
    await engine.dispose()
    assert (await migrate(url, "status")).current == SECOND


async def test_an_older_release_goes_on_while_the_schema_only_expands(
    providers: Providers, url: str, tmp_path: Path, old: Release
) -> None:
    (tmp_path / "new").mkdir()
    new = release(tmp_path / "new", ADDS, compatible_with=SECOND)
    values = environment(providers, url)
    await old.run("migrate", "up", DATABASE_URL=url)
    found = await new.run("preflight", **values, SPARK_STABLE_HEAD=SECOND)
    assert (found.code, found.report["schema"]["floor"]) == (0, SECOND)
    assert (await new.run("migrate", "up", DATABASE_URL=url)).code == 0
    found = await old.run("preflight", **values)
    assert (found.code, found.report["schema"]["known"]) == (0, False)
    assert "which can run on it" in found.detail("database")
    found = await old.run("migrate", "up", DATABASE_URL=url)
    assert (found.code, found.report["schema"]["current"]) == (0, THIRD)
    found = await old.run("migrate", "rollback", DATABASE_URL=url)
    assert (found.code, "only a newer release can undo" in found.detail("migrate")) == (1, True)


async def test_a_contraction_excludes_older_releases_and_is_refused_while_one_serves(
    providers: Providers, url: str, tmp_path: Path, old: Release
) -> None:
    (tmp_path / "new").mkdir()
    new = release(tmp_path / "new", ADDS)
    values = environment(providers, url)
    await old.run("migrate", "up", DATABASE_URL=url)
    found = await new.run("preflight", **values, SPARK_STABLE_HEAD=SECOND)
    assert (found.code, found.report["passed"]) == (1, False)
    assert "would exclude the stable release" in found.detail("database")
    assert "split the change into expand and contract" in found.detail("database")
    found = await new.run("preflight", "--stable-head", THIRD, **values)
    assert found.code == 0
    await new.run("migrate", "up", DATABASE_URL=url)
    found = await new.run("preflight", **values, SPARK_STABLE_HEAD=SECOND)
    assert found.code == 0, "applied is applied: what excludes is asked of the older release"
    found = await old.run("preflight", **values)
    assert (found.code, found.report["passed"]) == (1, False)
    assert f"the schema {THIRD} excludes this release (its head {SECOND})" in found.detail(
        "database"
    )
    assert (await old.run("migrate", "up", DATABASE_URL=url)).code == 1
    await new.run("migrate", "rollback", "--to", SECOND, DATABASE_URL=url)
    assert (await old.run("preflight", **values)).code == 0


async def test_a_ledger_without_floors_is_read_and_extended(
    url: str, tmp_path: Path, old: Release
) -> None:
    await migrate(url, "up")
    engine = connect(url, pool=1)
    async with engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE spark_migration_ledger DROP COLUMN floor"))
    await engine.dispose()
    (tmp_path / "new").mkdir()
    new = release(tmp_path / "new", ADDS, compatible_with=FIRST)
    assert (await old.run("migrate", "status", DATABASE_URL=url)).code == 0
    assert (await new.run("migrate", "up", DATABASE_URL=url)).code == 0
    status = await migrate(url, "status")
    assert (status.known, status.database_floor, status.excluded) == (False, FIRST, False)
    assert [row["floor"] for row in status.ledger] == [None, None, FIRST]


async def test_a_version_that_declares_nonsense_is_refused(url: str, tmp_path: Path) -> None:
    wrong = release(tmp_path, ADDS, compatible_with="20990101000000")
    found = await wrong.run("migrate", "up", DATABASE_URL=url)
    assert (found.code, "correct it in the release" in found.detail("migrate")) == (1, True)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_an_ended_version_is_undone_and_can_be_repeated(
    url: str, tmp_path: Path, how: signal.Signals
) -> None:
    await migrate(url, "up")
    report = tmp_path / "report"
    sleeps = f'{ADDS}; op.execute("SELECT pg_sleep(3600)")'
    hangs = release(tmp_path, sleeps, compatible_with=SECOND)
    process = await hangs.start("migrate", "up", DATABASE_URL=url, SPARK_REPORT_FILE=str(report))
    engine = connect(url, pool=1)
    asleep = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event = 'PgSleep' AND datname = current_database()"
    )
    async with asyncio.timeout(30), engine.connect() as connection:
        while (await connection.execute(sa.text(asleep))).scalar() != 1:
            await connection.rollback()
            await asyncio.sleep(0.05)
    await engine.dispose()
    process.send_signal(how)
    await asyncio.wait_for(process.wait(), 10)
    if how is signal.SIGTERM:
        assert process.returncode == 143
        assert "ended by SIGTERM" in report.read_text()
    status = await migrate(url, "status")
    assert (status.current, [row["version"] for row in status.ledger]) == (SECOND, [FIRST, SECOND])
    # The server has ended the statement and let go of the locks, an hour early.
    good = release(tmp_path / "good", ADDS, compatible_with=SECOND)
    async with asyncio.timeout(20):
        repeated = await good.run("migrate", "up", DATABASE_URL=url)
    assert repeated.report["schema"]["current"] == THIRD
