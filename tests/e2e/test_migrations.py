"""Releases that change the schema of a real PostgreSQL, and what becomes of that when they go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.e2e.support.dependent import Dependent, decisions, dependent, job, opened, rolled_back
from tests.e2e.support.stage import condition, image, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl
    from tests.e2e.support.services import Services

BEFORE, AFTER, LAST = "20241207000000", "20250101000000", "20250201000000"
AUTOMATIC = {"rollback": "Automatic"}
FORBIDDEN = {"rollback": "Forbidden"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, services: Services) -> AsyncIterator[Dependent]:
    """A stable release on a database that it has migrated itself."""
    made = dependent(services.kubectl, "e2e-migrations", migrations=AUTOMATIC)
    async with opened(made) as found:
        yield found


async def test_the_first_release_makes_its_schema(stage: Dependent) -> None:
    status = await stage.status()
    assert status.stable is not None
    assert (job(status, "migrate").state, status.stable.schema_head) == ("Passed", BEFORE)
    assert ["version", BEFORE, ""] in await stage.schema()


async def test_a_migration_that_fails_leaves_everything_as_it_was(stage: Dependent) -> None:
    since, schema, ledger = await stage.newest(), await stage.schema(), await stage.ledger()
    bad = image("2.0.0-migration-fails")
    await stage.apply(image=bad)
    status = await stage.until("giving up", rolled_back(bad), seconds=90)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Failed", "MigrationFailed")
    assert f"version {AFTER} failed and nothing of it remains" in status.failure.message
    assert 'column "day" of relation "spark_usage" already exists' in status.failure.message
    assert status.failure.message in await stage.described()
    assert status.first_traffic_at is None
    assert (await stage.schema(), await stage.ledger()) == (schema, ledger)
    assert await stage.failed(since) == []


async def test_a_migration_that_hangs_is_ended_and_holds_no_lock(stage: Dependent) -> None:
    since, schema, ledger = await stage.newest(), await stage.schema(), await stage.ledger()
    bad = image("2.0.0-migration-hangs")
    await stage.apply(image=bad, migrations={"rollback": "Automatic", "timeout": "10s"})
    await stage.asleep(1, seconds=60)
    status = await stage.until("giving up", rolled_back(bad), seconds=90)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Failed", "MigrationFailed")
    assert "not done within 10 s: stopped" in status.failure.message
    await stage.asleep(0, seconds=10)
    assert (await stage.schema(), await stage.ledger()) == (schema, ledger)
    assert await stage.failed(since) == []


async def test_a_rollback_undoes_the_migration_where_the_release_wants_that(
    stage: Dependent,
) -> None:
    since, schema = await stage.newest(), await stage.schema()
    bad = image("3.0.0-migration-errors")
    await stage.apply(image=bad, migrations=AUTOMATIC)
    status = await stage.until("rollback", rolled_back(bad), seconds=150)
    assert status.failure is not None
    assert status.failure.outcome == "Failed"
    release = status.failure.release
    told = decisions(status, release)
    wanted = ["Migrated", "TrialStarted", "TrafficStarted", "RollingBack", "MigrationUndone"]
    assert [it for it in told if it in wanted] == wanted
    assert await stage.schema() == schema
    mine = [row[:2] for row in await stage.ledger() if row[2] == release]
    assert mine == [[AFTER, "up"], [AFTER, "down"]]
    assert [it for it in await stage.failed(since) if it.release != release] == []


async def test_a_rollback_leaves_the_schema_where_it_cannot_be_undone(stage: Dependent) -> None:
    since = await stage.newest()
    bad = image("4.0.0-migration-errors")
    await stage.apply(image=bad, migrations=FORBIDDEN)
    status = await stage.until("rollback", rolled_back(bad), seconds=150)
    assert status.failure is not None
    release = status.failure.release
    kept = next(entry for entry in status.ledger if entry.decision == "SchemaKept")
    assert (kept.reason, kept.release) == ("RollbackForbidden", release)
    assert f"the schema stays at {AFTER}" in kept.message
    assert [row[:2] for row in await stage.ledger() if row[2] == release] == [[AFTER, "up"]]
    assert [it for it in await stage.failed(since) if it.release != release] == []


async def test_a_migration_that_excludes_stable_is_refused_before_it_runs(
    stage: Dependent,
) -> None:
    since, schema = await stage.newest(), await stage.schema()
    bad = image("3.0.0-migration-drops")
    await stage.apply(image=bad)
    status = await stage.until("refusal", rolled_back(bad), seconds=90)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Inconclusive", "PreflightFailed")
    assert "would exclude the stable release" in status.failure.message
    assert await stage.schema() == schema
    assert await stage.failed(since) == []


async def _promoted(stage: Dependent, version: str) -> None:
    """Have a release promoted by a person's word as soon as it is on trial."""
    await stage.apply(image=image(version))
    await stage.until("its trial", lambda s: s.first_traffic_at is not None, seconds=120)
    await stage.annotate("promote", version)
    await stage.until("promotion", lambda s: settled(s, version), seconds=120)


async def test_an_older_release_that_the_schema_excludes_is_not_revived(stage: Dependent) -> None:
    since, oldest = await stage.newest(), (await stage.status()).stable
    assert oldest is not None
    await _promoted(stage, "2.0.0-migration")
    await _promoted(stage, "3.0.0-migration-drops")
    assert ["version", LAST, ""] in await stage.schema()
    await stage.annotate("rollback-to", f"{oldest.release}@excluded")
    status = await stage.until("refusal", rolled_back(oldest.image), seconds=90)
    assert status.failure is not None
    assert status.failure.reason == "PreflightFailed"
    assert f"the schema {LAST} excludes this release (its head {BEFORE})" in status.failure.message
    assert condition(status, "Stalled") == "True/Inconclusive"
    assert condition(status, "Available") == "True/StableServes"
    assert status.stable is not None
    assert status.stable.image == image("3.0.0-migration-drops")
    assert await stage.failed(since) == []
