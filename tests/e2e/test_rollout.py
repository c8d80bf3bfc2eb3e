"""Releases that come and go on a real cluster, one after the other, under users' load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.kubectl import KubectlError
from tests.e2e.support.stage import condition, config, image, settled

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

REPLICAS = 3
CHILDREN = ("deployment", "service", "configmap", "controllerrevision", "networkpolicy", "pdb")
STALE_CONNECTION_SECONDS = 15.0
"""No answer of the previous release later than this after a promotion."""
EXPOSURE_SANITY_SECONDS = 100.0
"""Five times the bound from a bad release's first answer to its last."""


def _decisions(status: SparkDeploymentStatus) -> list[str]:
    """Decisions, oldest first; what was foreseen comes whenever the request rate is known."""
    decisions = [entry.decision for entry in reversed(status.ledger)]
    return [decision for decision in decisions if decision != "ExposureForeseen"]


async def test_a_good_release_is_promoted_and_no_user_notices(stage: Stage) -> None:
    before = (await stage.status()).stable
    since = await stage.newest()
    await stage.apply(image=image("2.0.0"))
    status = await stage.until("promotion", lambda s: settled(s, "2.0.0"), seconds=240)
    assert _decisions(status)[-4:] == [
        "TrafficStarted",
        "Promoting",
        "TrafficSwitched",
        "Promoted",
    ]
    assert condition(status, "Ready") == "True/Stable"
    assert before is not None
    promoted = next(entry for entry in status.ledger if entry.decision == "TrafficSwitched")
    await stage.until("previous pods gone", lambda s: s.previous is None and s.candidate is None)
    results = await stage.results(since)
    assert [result for result in results if result.failed] == []
    late = [
        result
        for result in results
        if result.release == before.release
        and result.at + result.latency > promoted.at.timestamp() + STALE_CONNECTION_SECONDS
    ]
    assert late == []


async def test_a_release_that_fails_is_rolled_back_quarantined_and_stays_out(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(image=image("3.0.0-errors"))
    status = await stage.until("rollback", lambda s: s.phase == "RolledBack", seconds=180)
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.image) == ("Failed", image("3.0.0-errors"))
    assert condition(status, "Stalled") == "True/ReleaseQuarantined"
    assert condition(status, "Reconciling").startswith("False/")
    assert condition(status, "Available") == "True/StableServes"
    bad = status.failure.release
    assert [entry.release for entry in status.quarantine] == [bad]
    assert status.exposure is not None
    assert status.exposure.errors > 0
    results = await stage.results(since)
    assert [r for r in results if r.failed and r.release != bad] == []
    answered = [r.at + r.latency for r in results if r.release == bad]
    assert answered
    assert max(answered) - min(answered) < EXPOSURE_SANITY_SECONDS
    cut = next(entry.at.timestamp() for entry in status.ledger if entry.decision == "RollingBack")
    assert max(r.at for r in results if r.release == bad) < cut + 10.0

    await stage.apply(config=config(SOMETHING="else"))
    again = await stage.until(
        "the image recognised",
        lambda s: s.phase == "RolledBack" and s.observed_generation > status.observed_generation,
    )
    assert again.failure is not None
    assert again.failure.reason == "ReleaseQuarantined"
    assert not [
        r for r in await stage.results(results[-1].seq) if r.release == again.failure.release
    ]


async def test_an_image_that_cannot_be_pulled_gets_no_traffic_and_says_so(stage: Stage) -> None:
    deadline = {"steps": stage.spec["strategy"]["canary"]["steps"], "progressDeadline": "10s"}
    usual = stage.spec["strategy"]
    await stage.apply(image=image("9.9.9"), strategy={"canary": deadline}, config=config())
    status = await stage.until(
        "giving up",
        lambda s: (
            s.phase == "RolledBack" and s.failure is not None and s.failure.image == image("9.9.9")
        ),
    )
    assert status.failure is not None
    assert (status.failure.outcome, status.failure.reason) == (
        "Inconclusive",
        "ProgressDeadlineExceeded",
    )
    assert "ImagePull" in status.failure.message
    assert image("9.9.9") not in [entry.image for entry in status.quarantine]
    assert status.first_traffic_at is None
    await stage.apply(image=image("2.0.0"), strategy=usual)
    await stage.until("back to the stable release", lambda s: settled(s, "2.0.0"))


async def test_a_further_release_replaces_the_one_on_trial(stage: Stage) -> None:
    since = await stage.newest()
    await stage.apply(config=config(EDITION="first"))
    trial = await stage.until("first traffic", lambda s: s.first_traffic_at is not None)
    assert trial.candidate is not None
    await stage.apply(config=config(EDITION="second"))
    status = await stage.until(
        "the second edition",
        lambda s: s.phase == "Stable" and s.observed_generation > trial.observed_generation,
        seconds=240,
    )
    outcomes = {entry.release: entry.outcome for entry in status.history}
    assert outcomes[trial.candidate.release] == "Superseded"
    assert status.stable is not None
    assert status.stable.release != trial.candidate.release
    assert [result for result in await stage.results(since) if result.failed] == []


async def test_a_release_that_crashes_is_a_failure_not_missing_data(stage: Stage) -> None:
    await stage.apply(image=image("3.0.0-crashing"))
    status = await stage.until("rollback", lambda s: s.phase == "RolledBack", seconds=180)
    assert status.failure is not None
    assert status.failure.outcome == "Failed"
    assert status.failure.image == image("3.0.0-crashing")


async def test_deleting_the_resource_mid_canary_leaves_nothing(stage: Stage) -> None:
    await stage.apply(image=image("2.0.0"), config=config(EDITION="third"))
    await stage.until("first traffic", lambda s: s.phase == "Progressing" and s.weight.actual > 0)
    await stage.kubectl.run(
        "delete", "sdep", "spark", f"--namespace={stage.namespace}", "--wait", seconds=30
    )
    for kind in (
        "deployment",
        "service",
        "configmap",
        "controllerrevision",
        "networkpolicy",
        "pdb",
    ):
        await stage.kubectl.run(
            "wait", "--for=delete", kind, "--selector=spark.dev/deployment=spark",
            f"--namespace={stage.namespace}", "--timeout=90s", seconds=100,
        )  # fmt: skip
    with pytest.raises(KubectlError, match="not found"):
        await stage.get("sdep/spark")
