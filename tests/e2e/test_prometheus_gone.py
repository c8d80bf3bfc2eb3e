"""The numbers' source dies mid-canary: held, undecided at the deadline; back in time: goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.e2e.support.scraped import scraped
from tests.e2e.support.stage import config, image, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.monitoring import Monitoring
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

WEIGHT = 25


def _plan(deadline: str) -> dict[str, object]:
    """A step that is longer than the source is given."""
    steps = [{"weight": WEIGHT, "minDuration": "20s"}, {"weight": 100}]
    return {"canary": {"steps": steps, "progressDeadline": deadline}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def monitoring(stage: Stage) -> AsyncIterator[Monitoring]:
    """A Prometheus that scrapes the stage's pods each second, and that the judge asks."""
    async with scraped(stage) as running:
        source = {"prometheus": {"address": running.url, "scrapeInterval": "1s"}}
        await stage.apply(analysis={"source": source})
        yield running


def _has_traffic(status: SparkDeploymentStatus) -> bool:
    return status.phase == "Progressing" and status.weight.actual > 0 and _verdict(status) != ""


def _verdict(status: SparkDeploymentStatus) -> str:
    return status.verdict.verdict if status.verdict else ""


async def test_gone_until_the_deadline_is_inconclusive(
    stage: Stage, monitoring: Monitoring
) -> None:
    await stage.apply(image=image("2.0.0"), strategy=_plan("40s"))
    trial = await stage.until("a weight", _has_traffic, seconds=60)
    assert trial.candidate is not None
    mark = len(stage.seen)
    monitoring.service.kill()
    try:
        await stage.until("no data", lambda s: _verdict(s) == "NoData", seconds=40)
        status = await stage.until("the end", lambda s: s.phase == "RolledBack", seconds=60)
    finally:
        monitoring.service.start()
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Inconclusive", "NotEnoughEvidence")
    assert status.quarantine == ()
    phases = [s.phase for s in stage.seen[mark:]]
    assert list(dict.fromkeys(phases)) == ["Progressing", "RollingBack", "RolledBack"]
    assert {s.weight.desired for s in stage.seen[mark:]} == {WEIGHT, 0}
    assert "Promoted" not in [entry.decision for entry in status.ledger]


async def test_back_before_the_deadline_goes_on(stage: Stage, monitoring: Monitoring) -> None:
    await stage.apply(config=config(EDITION="patient"), strategy=_plan("2m"))
    await stage.until("a weight", _has_traffic, seconds=60)
    mark = len(stage.seen)
    monitoring.service.kill()
    try:
        await stage.until("no data", lambda s: _verdict(s) == "NoData", seconds=40)
    finally:
        monitoring.service.start()
    held = [s for s in stage.seen[mark:] if s.phase == "Progressing"]
    assert {s.weight.desired for s in held} == {WEIGHT}
    await stage.until("promotion", lambda s: settled(s, "2.0.0"), seconds=90)
