"""Migrations whose process or whose operator is killed half way: done once, or not at all."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.e2e.support.dependent import Dependent, decisions, dependent, opened, rolled_back
from tests.e2e.support.leader import kill_leader
from tests.e2e.support.results import keep
from tests.e2e.support.stage import condition, image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl
    from tests.e2e.support.services import Services

pytestmark = pytest.mark.alone

AFTER = "20250101000000"
SLOW = image("2.0.0-migration-slow")
RUNS = int(os.environ.get("SPARK_MIGRATION_RUNS", "2"))
RUN_SECONDS = 150
LATEST_KILL_SECONDS = 7.0
"""The migration takes 6 s from its first change to its commit."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, services: Services) -> AsyncIterator[Dependent]:
    """A stable release; what is tried after it is aborted, and its migration undone."""
    made = dependent(
        services.kubectl, "e2e-migrations-killed", migrations={"rollback": "Automatic"}
    )
    async with opened(made, rate=10, own_operator=True) as found:
        yield found


async def _kill(stage: Dependent, victims: str) -> None:
    """Kill the migration's pod, the leading operator, or both."""
    if victims != "operator":
        selector = "spark.dev/job=migrate"
        await stage.kubectl.run(
            "delete", "pod", f"--selector={selector}", f"--namespace={stage.namespace}",
            "--grace-period=0", "--force",
        )  # fmt: skip
    if victims != "pod":
        await kill_leader(stage)


async def _one(stage: Dependent, number: int, victims: str, late: float) -> dict[str, Any]:
    """One migration with a kill ``late`` seconds into it, then its way back."""
    schema, ledger = await stage.schema(), await stage.ledger()
    if number == 0:
        await stage.apply(image=SLOW)
    else:
        await stage.annotate("retry", f"run-{number}")
    await stage.asleep(1, seconds=60)
    await asyncio.sleep(late)
    await _kill(stage, victims)
    trial = await stage.until(
        "the migration all the same", lambda s: s.phase == "Progressing", seconds=RUN_SECONDS
    )
    assert trial.candidate is not None
    release = trial.candidate.release
    up = (await stage.ledger())[len(ledger) :]
    assert up == [[AFTER, "up", release]], f"run {number}: {up}"
    assert condition(trial, "Available") == "True/StableServes"
    attempts = next(item.attempt for item in trial.jobs if item.kind == "migrate")
    await stage.annotate("abort", f"run-{number}")
    status = await stage.until(
        "the way back",
        lambda s: rolled_back(SLOW)(s) and s.epoch > trial.epoch,
        seconds=RUN_SECONDS,
    )
    assert "MigrationUndone" in decisions(status, release)
    assert (await stage.ledger())[len(ledger) :] == [*up, [AFTER, "down", release]]
    assert await stage.schema() == schema
    return {"run": number, "killed": victims, "seconds": round(late, 2), "attempts": attempts}


@pytest.mark.timeout(120 + RUNS * RUN_SECONDS)
async def test_no_migration_is_committed_twice_whoever_is_killed(stage: Dependent) -> None:
    """Two runs by default; ``make soak`` runs thirty and keeps what came of them."""
    since, rng = await stage.newest(), random.Random(RUNS)  # noqa: S311 - moments, no secrets
    told = []
    for number in range(RUNS):
        # The first two are the clearest: in the middle of the work, once with the operator too.
        victims = ("pod", "both", "operator")[number % 3]
        late = 0.0 if number < 2 else rng.uniform(0.0, LATEST_KILL_SECONDS)
        told.append(await _one(stage, number, victims, late))
    assert [run["attempts"] for run in told[:2]] == [2, 2]
    failed = await stage.failed(since)
    assert failed == []
    asked = len(await stage.results(since))
    if RUNS > 2:
        users = {"requests": asked, "failed": len(failed)}
        committed = {"once": len(told), "runs": told}
        await asyncio.to_thread(keep, "migrations", users=users, committed=committed)
