"""A leader is cut off or stands still mid-rollback: another finishes, nothing is undone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.e2e.support.frozen import route_frozen
from tests.e2e.support.leader import kill, leader, partitioned, ready, succeeded, suspended
from tests.e2e.support.stage import config, image, never, settled

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

pytestmark = pytest.mark.alone

BAD = "3.0.0-errors"
CONNECTION_SECONDS = 10.0
"""How long an old connection may still lead to a release that was cut off."""
QUIET_SECONDS = 5.0
"""How long a former leader is watched for what it might do."""


async def _on_trial(stage: Stage) -> str:
    """Apply a bad release; its name once it has traffic."""
    await stage.apply(image=image(BAD))
    trial = await stage.until("a weight", lambda s: s.weight.actual > 0, seconds=60)
    assert trial.candidate is not None
    return trial.candidate.release


async def _undone(stage: Stage, release: str) -> None:
    """Check that the bad release stays off: status, Service and what users get, for a while."""
    since = await stage.newest()
    await never(stage, lambda s: s.phase != "RolledBack", seconds=QUIET_SECONDS)
    service = await stage.get("service/spark")
    status = await stage.status()
    assert status.stable is not None
    assert service["spec"]["selector"]["spark.dev/release"] == status.stable.release
    assert {r.release for r in await stage.results(since)} == {status.stable.release}
    assert [entry.release for entry in status.quarantine] == [release]
    decisions = [entry.decision for entry in status.ledger]
    trial = decisions[: decisions.index("TrialStarted")]
    assert trial.count("RollingBack") == 1


async def _cleared(stage: Stage, release: str) -> None:
    await stage.apply(image=image("1.0.0"), config=config())
    await stage.until("stable again", lambda s: settled(s, "1.0.0"))
    await stage.annotate("let-out", f"{release}@{release}")
    await stage.until("let out", lambda s: not s.quarantine)


def _rolled_back(status: SparkDeploymentStatus) -> bool:
    return status.phase == "RolledBack"


async def test_cut_off_from_the_api_server_between_decision_and_cut(stage: Stage) -> None:
    since, former = await stage.newest(), await leader(stage)
    release = await _on_trial(stage)
    async with contextlib.AsyncExitStack() as network:
        async with route_frozen(stage):
            await stage.until("the decision", lambda s: s.phase == "RollingBack", seconds=60)
            await network.enter_async_context(partitioned(former))
            await succeeded(stage, former)
        # The route is free again only when the one that decided can no longer cut
        status = await stage.until("the rollback", _rolled_back, seconds=60)
        await kill(stage, former)
    await ready(stage, former)
    await _undone(stage, release)
    assert status.failure is not None
    assert status.failure.outcome == "Failed"
    failed = [r for r in await stage.results(since) if r.failed and r.release != release]
    assert failed == []
    await _cleared(stage, release)


async def test_a_leader_that_stood_still_wakes_after_another_rolled_back(stage: Stage) -> None:
    release = await _on_trial(stage)
    former = await leader(stage)
    async with suspended(former):
        await succeeded(stage, former)
        status = await stage.until("the rollback", _rolled_back, seconds=60)
    await ready(stage, former)
    await _undone(stage, release)
    assert await leader(stage) != former
    cut = next(e.at.timestamp() for e in status.ledger if e.decision == "RollingBack")
    results = await stage.results()
    late = [r for r in results if r.release == release and r.at > cut + CONNECTION_SECONDS]
    assert late == []
