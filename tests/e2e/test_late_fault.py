"""A release that is good until after its promotion: back on the previous one, still warm."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tests.e2e.support.results import keep
from tests.e2e.support.stage import condition, image

if TYPE_CHECKING:
    from tests.e2e.support.stage import Stage

LATE = "3.0.0-late-errors"
HEALTHY_SECONDS = float(os.environ.get("SPARK_HEALTHY_SECONDS", "20"))
"""How long the promoted release serves well before its fault begins."""
LONG_SECONDS = 60.0
"""A fault later than this is measured for the docs too."""
EXPOSURE_SANITY_SECONDS = 100.0
"""Five times the bound of the default sensitivity, first bad answer to last."""


async def _uids(stage: Stage, release: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in await stage.pods(release)}


async def test_a_fault_after_promotion_goes_back_without_starting_a_pod(stage: Stage) -> None:
    before = (await stage.status()).stable
    assert before is not None
    warm = await _uids(stage, before.release)
    since = await stage.newest()
    await stage.apply(image=image(LATE), guard={"duration": "10m"})
    promoted = await stage.until("promotion", lambda s: s.phase == "Guarding", seconds=120)
    assert promoted.stable is not None
    late = promoted.stable.release
    assert await _uids(stage, before.release) == warm
    await asyncio.sleep(HEALTHY_SECONDS)
    assert [r for r in await stage.results(since) if r.failed] == []
    await stage.switch(late)
    status = await stage.until("rollback", lambda s: s.phase == "RolledBack", seconds=120)

    assert status.stable is not None
    assert status.stable.release == before.release
    assert await _uids(stage, before.release) == warm, "a pod was started to go back"
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.image) == ("Failed", image(LATE))
    assert [entry.release for entry in status.quarantine] == [late]
    assert condition(status, "Stalled") == "True/ReleaseQuarantined"
    decisions = [entry.decision for entry in reversed(status.ledger)]
    assert decisions[decisions.index("Promoted") :] == ["Promoted", "RollingBack", "RolledBack"]
    results = await stage.results(since)
    bad = [r.at + r.latency for r in results if r.failed]
    assert {r.release for r in results if r.failed} == {late}
    assert max(bad) - min(bad) < EXPOSURE_SANITY_SECONDS
    if HEALTHY_SECONDS > LONG_SECONDS:
        found = {
            "healthy_seconds": HEALTHY_SECONDS,
            "first_to_last_bad_answer_seconds": round(max(bad) - min(bad), 2),
            "bad_answers": len(bad),
            "requests": len(results),
            "pods_started": 0,
        }
        await asyncio.to_thread(keep, "late-fault", fault=found)
