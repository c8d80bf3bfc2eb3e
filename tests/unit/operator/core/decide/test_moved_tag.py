"""A tag that was moved: pods of one release run several images, and one of them failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.core.decide.decide import decide
from tests.unit.operator.core.builders import NOW, judged, pod, resource, seen, workload
from tests.unit.operator.core.decide.cases import ONE, at

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus

GOOD, MOVED = f"sha256:{2:064x}", f"sha256:{9:064x}"


def _after(
    *, good_ready: bool = True, moved_ready: bool = True, stable: str | None = None
) -> SparkDeploymentStatus:
    pods = (
        pod(2, 0, digest=GOOD, ready=good_ready),
        pod(2, 1, digest=MOVED, ready=moved_ready),
    )
    mixed = replace(workload(2, 2), pods=pods)
    old = workload(1, 4) if stable is None else workload(1, 4, digest=stable)
    world = seen(old, mixed, route="shared", judge=judged(0.5))
    return decide(resource(2, at(1, 25)), world, NOW).status


def test_nobody_knows_which_image_failed_so_none_is_quarantined() -> None:
    after = _after()
    assert after.phase == "RollingBack"
    assert [entry.digest for entry in after.quarantine] == [None]


def test_the_image_that_alone_has_no_ready_pod_is_quarantined_and_the_other_is_not() -> None:
    assert [entry.digest for entry in _after(moved_ready=False).quarantine] == [MOVED]
    assert [entry.digest for entry in _after(good_ready=False).quarantine] == [GOOD]


def test_what_stable_s_pods_run_now_is_never_quarantined() -> None:
    after = _after(moved_ready=False, stable=MOVED)
    assert [entry.digest for entry in after.quarantine] == [None]


def test_a_pod_that_runs_a_quarantined_image_is_found_whichever_comes_first() -> None:
    failed = _after(moved_ready=False)
    before = at(1, 25).model_copy(
        update={
            "quarantine": tuple(
                entry.model_copy(update={"release": "0" * 10}) for entry in failed.quarantine
            )
        }
    )
    pods = (pod(2, 0, digest=GOOD), pod(2, 1, digest=MOVED))
    world = seen(ONE, replace(workload(2, 2), pods=pods), route="shared", judge=judged(0.0))
    after = decide(resource(2, before), world, NOW).status
    assert after.failure is not None
    assert after.failure.reason == "ReleaseQuarantined"


def test_several_images_under_one_release_are_a_condition() -> None:
    pods = (pod(2, 0, digest=GOOD), pod(2, 1, digest=MOVED))
    world = seen(ONE, replace(workload(2, 2), pods=pods), route="shared", judge=judged(0.0))
    after = decide(resource(2, at(1, 25)), world, NOW).status
    degraded = next(item for item in after.conditions if item.type == "Degraded")
    assert (degraded.status, degraded.reason) == ("True", "SeveralDigests")
    assert MOVED in degraded.message
    assert "name the image by its digest" in degraded.message
