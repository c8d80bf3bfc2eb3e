"""Verification through a release's real API, and releases that no user asks anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.e2e.support.dependent import Dependent, decisions, dependent, job, opened, rolled_back
from tests.e2e.support.stage import condition, image, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl
    from tests.e2e.support.services import Services

VERIFICATION = {"enabled": True, "health": "1s"}
"""The bound on health is for a pod that has a processor when it needs one."""
ANALYSIS = {
    "sensitivity": "fast",
    "onLowTraffic": "Synthetic",
    "synthetic": {"maxRequests": 200, "rate": 10},
}
AT_ZERO: list[dict[str, object]] = [{"weight": 0, "minDuration": "1s"}, {"weight": 100}]
AT_25: list[dict[str, object]] = [{"weight": 25, "minDuration": "5s"}, {"weight": 100}]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, services: Services) -> AsyncIterator[Dependent]:
    """A stable release that passed its own verification, and no users at all."""
    made = dependent(
        services.kubectl, "e2e-verification", verification=VERIFICATION, analysis=ANALYSIS
    )
    async with opened(made, rate=0) as found:
        yield found


def _plan(steps: list[dict[str, object]]) -> dict[str, object]:
    return {"canary": {"steps": steps, "progressDeadline": "3m"}}


async def test_the_first_release_is_stable_once_it_is_verified(stage: Dependent) -> None:
    status = await stage.status()
    checks = {it.check: it.status for it in job(status, "verify").checks}
    assert checks == dict.fromkeys(("health", "metrics", "generate", "export"), "pass")


async def test_a_release_that_cannot_export_meets_no_user(stage: Dependent) -> None:
    bad = image("3.0.0-broken-export")
    await stage.apply(image=bad, strategy=_plan(AT_ZERO))
    status = await stage.until("rollback", rolled_back(bad), seconds=150)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Failed", "VerificationFailed")
    assert (
        "its verification failed twice, and the other release passes: export: "
        in status.failure.message
    )
    checks = {it.check: it.status for it in job(status, "verify").checks}
    assert (checks["health"], checks["generate"], checks["export"]) == ("pass", "pass", "fail")
    assert job(status, "compare").state == "Passed"
    assert decisions(status, status.failure.release).count("VerificationRepeated") == 1
    assert status.first_traffic_at is None
    assert condition(status, "Available") == "True/StableServes"
    assert "export" in await stage.described()


async def test_a_good_release_is_promoted_without_a_single_user(stage: Dependent) -> None:
    await stage.apply(image=image("2.0.0"), strategy=_plan(AT_25))
    status = await stage.until("promotion", lambda s: settled(s, "2.0.0"), seconds=180)
    assert status.stable is not None
    told = decisions(status, status.stable.release)
    wanted = ["TrafficStarted", "SyntheticTraffic", "Promoting", "TrafficSwitched", "Promoted"]
    assert [it for it in told if it in wanted] == wanted
    assert "traffic" not in {it.kind for it in status.jobs}, "it would go on costing answers"


async def test_a_release_that_stops_exporting_when_promoted_goes_back(stage: Dependent) -> None:
    late, before = image("4.0.0-late-broken-export"), (await stage.status()).stable
    assert before is not None
    await stage.apply(image=late, strategy=_plan(AT_25), guard={"duration": "10m"})
    promoting = await stage.until(
        "promotion", lambda s: s.phase == "Promoting" and s.weight.desired == 100, seconds=180
    )
    assert promoting.candidate is not None
    await stage.switch(promoting.candidate.release)
    status = await stage.until("rollback", rolled_back(late), seconds=180)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == ("Failed", "VerificationFailed")
    assert (
        "its verification failed twice, and the other release passes: export: "
        in status.failure.message
    )
    told = decisions(status, promoting.candidate.release)
    wanted = ["Promoted", "VerificationRepeated", "RollingBack", "RolledBack"]
    assert [it for it in told if it in wanted] == wanted
    assert status.stable is not None
    assert status.stable.release == before.release
