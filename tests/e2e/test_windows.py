"""A maintenance window from its announcement to its end, with a release inside; and a freeze."""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import TYPE_CHECKING

from spark_operator.api.fields import format_time, to_time
from tests.e2e.support.stage import condition, config, image

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

MESSAGE = "Back in a minute."
AHEAD_SECONDS = 20
LASTS_SECONDS = 60
EDGE_SANITY_SECONDS = 15.0
"""Three times what the last pod may take to follow the clock: a decision, a write, one sync."""
KEY = {"name": "spark-verify", "key": "key"}
FROZEN_SECONDS = 20


def moment(at: float) -> str:
    return format_time(to_time(at))


def settled(status: SparkDeploymentStatus) -> bool:
    return status.phase == "Stable" and condition(status, "Ready").startswith("True")


def is_in(status: SparkDeploymentStatus, state: str) -> bool:
    return status.maintenance is not None and status.maintenance.state == state


def told(status: SparkDeploymentStatus) -> list[str]:
    return [f"{entry.decision} {entry.reason}" for entry in reversed(status.ledger)]


async def test_a_window_from_its_announcement_to_its_end(stage: Stage) -> None:
    await verified(stage)
    begins = math.ceil(time.time()) + AHEAD_SECONDS
    until = begins + LASTS_SECONDS
    since = await stage.newest()
    await stage.apply(
        maintenance={
            "from": moment(begins),
            "until": moment(until),
            "announce": f"{AHEAD_SECONDS // 2}s",
            "message": MESSAGE,
        }
    )
    await stage.until("the announcement", lambda s: is_in(s, "Announced"), seconds=60)
    closed = await stage.until("the window", lambda s: is_in(s, "Active"), seconds=60)
    assert condition(closed, "MaintenanceMode") == "True/Active"
    assert condition(closed, "Available") == "False/Maintenance"
    await stage.apply(image=image("2.0.0"))
    switched = await stage.until(
        "the switch inside", lambda s: s.phase == "Guarding", seconds=LASTS_SECONDS
    )
    assert is_in(switched, "Active"), "it was not switched to inside the window"
    await stage.until("the window's end", lambda s: is_in(s, "Ended"), seconds=LASTS_SECONDS)
    status = await stage.until("the end of the guard", settled, seconds=180)

    assert status.stable is not None
    assert status.stable.image == image("2.0.0")
    wanted = iter(told(status))
    expected = (
        "MaintenanceAnnounced Scheduled",
        "MaintenanceStarted Scheduled",
        "TrialStarted MaintenanceWindow",
        "TrafficSwitched CandidateReady",
        "Promoted Passed",
        "MaintenanceEnded Over",
        "GuardEnded GuardEnded",
    )
    assert [item for item in expected if item not in wanted] == [], told(status)
    await users_met_it(stage, since, begins, until)
    events = {event["reason"] for event in await stage.listed("events")}
    assert {"MaintenanceAnnounced", "MaintenanceStarted", "MaintenanceEnded"} <= events


async def verified(stage: Stage) -> None:
    """Give the resource a key to verify with, which passes maintenance, and wait for rest."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": KEY["name"], "namespace": stage.namespace},
        "stringData": {KEY["key"]: "user-verify-0123456789abcdef0123"},
    }
    await stage.kubectl.apply([secret])
    await stage.apply(verification={"enabled": True, "apiKey": KEY}, guard={"duration": "30s"})
    await stage.until("the pods' restart", lambda s: s.secrets_revision is not None, seconds=60)
    await stage.rolled_out(await only_deployment(stage))
    await stage.until("rest", settled, seconds=60)


async def only_deployment(stage: Stage) -> str:
    names = [str(item["metadata"]["name"]) for item in await stage.listed("deployments")]
    return next(name for name in names if name.startswith("spark-"))


async def users_met_it(stage: Stage, since: int, begins: float, until: float) -> None:
    """503 between the edges, at which pods follow within seconds, and no failure outside."""
    results = await stage.results(since)
    refused = [r for r in results if r.status == 503]
    first, last = min(r.at for r in refused), max(r.at for r in refused)
    print(
        f"closed {first - begins:.1f} s after the window began,"
        f" open {last - until:.1f} s after its end"
    )
    assert begins <= first <= begins + EDGE_SANITY_SECONDS
    assert last <= until + EDGE_SANITY_SECONDS
    inside = [r for r in results if begins + EDGE_SANITY_SECONDS < r.at < until]
    assert {r.status for r in inside} == {503}
    others = [r for r in results if r.failed and r.status != 503]
    assert others == []
    assert [r for r in results if r.at > until + EDGE_SANITY_SECONDS and not r.failed]


async def test_a_release_waits_for_a_freeze_to_end(stage: Stage) -> None:
    before = await stage.until("rest", settled, seconds=60)
    until = math.ceil(time.time()) + FROZEN_SECONDS
    window = {"from": moment(until - 3600), "until": moment(until), "reason": "holidays"}
    await stage.apply(freeze=[window], config=config(LOG_LEVEL="warning"))
    frozen = await stage.until(
        "the freeze", lambda s: condition(s, "Reconciling") == "True/Frozen", seconds=30
    )
    said = next(c.message for c in frozen.conditions if c.type == "Reconciling")
    assert "holidays" in said
    await asyncio.sleep(max(0.0, until - time.time() - 5.0))
    waiting = await stage.status()
    assert waiting.candidate is None
    assert waiting.stable == before.stable
    started = await stage.until("the start", lambda s: s.candidate is not None, seconds=30)
    assert started.candidate is not None
    assert until <= started.candidate.since.timestamp() <= until + EDGE_SANITY_SECONDS
    after = await stage.until("the promotion", settled, seconds=240)
    assert after.stable is not None
    assert after.stable.release == started.candidate.release
    assert json.dumps(told(after)).count("Frozen Freeze") == 1
