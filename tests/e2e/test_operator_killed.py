"""The operator is killed at the worst moments; the end is the same, and stable serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.support.frozen import route_frozen
from tests.e2e.support.leader import kill_leader
from tests.e2e.support.stage import config, image

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

pytestmark = pytest.mark.alone


def _outcomes(status: SparkDeploymentStatus) -> list[tuple[str, str]]:
    return [(entry.image, entry.outcome) for entry in status.history]


async def _served(stage: Stage, since: int, *, bad: str = "") -> None:
    failed = [r for r in await stage.results(since) if r.failed and (not bad or r.release != bad)]
    assert failed == []


async def test_killed_in_the_middle_of_a_step(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(image=image("2.0.0"))
    await stage.until("a weight", lambda s: s.phase == "Progressing" and s.weight.actual > 0)
    await kill_leader(stage)
    status = await stage.until("promotion all the same", lambda s: s.phase == "Stable", seconds=240)
    assert _outcomes(status)[0] == (image("2.0.0"), "Promoted")
    await _served(stage, since)


async def test_killed_in_the_middle_of_a_promotion(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(config=config(EDITION="next"))
    await stage.until("promoting", lambda s: s.phase == "Promoting", seconds=240)
    await kill_leader(stage)
    status = await stage.until("promotion all the same", lambda s: s.phase == "Stable", seconds=240)
    assert _outcomes(status)[0] == (image("2.0.0"), "Promoted")
    await _served(stage, since)


async def test_killed_between_the_decision_and_the_cut(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(image=image("3.0.0-errors"))
    trial = await stage.until("a weight", lambda s: s.weight.actual > 0, seconds=120)
    assert trial.candidate is not None
    async with route_frozen(stage):
        decided = await stage.until("the decision", lambda s: s.phase == "RollingBack", seconds=180)
        assert decided.weight.desired == 0
        service = await stage.get("service/spark")
        assert "spark.dev/release" not in service["spec"]["selector"], "the cut was not held up"
        await kill_leader(stage)
    status = await stage.until("the rollback", lambda s: s.phase == "RolledBack", seconds=120)
    assert _outcomes(status)[0] == (image("3.0.0-errors"), "Failed")
    assert len([entry for entry in status.ledger if entry.decision == "RollingBack"]) == 1
    await _served(stage, since, bad=trial.candidate.release)
