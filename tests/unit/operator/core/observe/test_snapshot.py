"""From API objects to observations, and what a resource that cannot be read gets."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.core.decide.report.invalid import invalid_status
from spark_operator.core.model.labels import RELEASE_LABEL, selector_text
from spark_operator.core.observe.snapshot import Snapshot, epoch, pod, revisions, route, workloads
from spark_operator.core.observe.values import TrafficRoute
from spark_operator.core.render import render, revision
from tests.unit.operator.core.builders import IMAGES, NOW, body, name, release, resource
from tests.unit.operator.core.decide.cases import at

DIGEST = "sha256:" + "b" * 64


def manifest(state: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    container = {
        "restartCount": 2,
        "ready": False,
        "imageID": f"registry.example/spark@{DIGEST}",
        "state": {"running": {"startedAt": "2023-11-14T22:13:20Z"}},
    }
    return {
        "metadata": {"name": "p", "uid": "u", "labels": {RELEASE_LABEL: name(1)}},
        "status": {
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [container | (state or {})],
            **changes,
        },
    }


def test_a_running_pod() -> None:
    seen = pod(manifest({"ready": True}))
    assert (seen.release, seen.ip, seen.ready, seen.terminating) == (
        name(1),
        "10.0.0.1",
        True,
        False,
    )
    assert (seen.restarts, seen.started_at, seen.digest, seen.trouble) == (2, NOW, DIGEST, "")


def test_a_pod_that_nothing_is_known_of() -> None:
    seen = pod({"metadata": {"name": "p", "uid": "u"}})
    assert (seen.ready, seen.terminating, seen.digest, seen.trouble) == (False, False, None, "")


def test_a_container_that_a_mesh_put_in_is_not_ours() -> None:
    """The kubelet lists containers by name, so somebody else's may come first."""
    beside = {"name": "istio-proxy", "restartCount": 9, "imageID": "mesh@sha256:" + "a" * 64}
    given = manifest({"name": "spark", "ready": True})
    given["status"]["containerStatuses"].insert(0, beside)
    seen = pod(given)
    assert (seen.restarts, seen.digest, seen.started_at) == (2, DIGEST, NOW)


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_pod_that_ended_is_on_its_way_out(phase: str) -> None:
    assert pod(manifest(phase=phase)).terminating


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        (
            {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}},
            "ErrImagePull: no such image",
        ),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, "CrashLoopBackOff"),
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, ""),
        (
            {"state": {"terminated": {"reason": "Error", "exitCode": 3}}},
            "Error: exit code 3",
        ),
        (
            {
                "state": {"running": {"startedAt": "2023-11-14T22:13:20Z"}},
                "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            },
            "OOMKilled: exit code 137",
        ),
    ],
)
def test_why_a_container_does_not_run(state: dict[str, Any], trouble: str) -> None:
    seen = pod(manifest(state))
    assert seen.trouble == trouble
    assert seen.oom_killed == ("OOMKilled" in trouble)


def test_a_pod_that_cannot_be_scheduled() -> None:
    why = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available",
    }
    seen = pod({"metadata": {"name": "p", "uid": "u"}, "status": {"conditions": [why]}})
    assert seen.trouble == "Unschedulable: 0/3 nodes are available"


def snapshot() -> Snapshot:
    given = resource(2, at(0, 5))
    known = {name(version): release(version) for version in IMAGES}
    children = [*render(given, known), revision(given, release(2), 5)]
    return Snapshot(body(2), tuple(children), (manifest(),))


def test_workloads_revisions_route_and_epoch() -> None:
    seen = snapshot()
    works = workloads(seen)
    assert {key: (work.exists, work.replicas, len(work.pods)) for key, work in works.items()} == {
        name(1): (True, 4, 1),
        name(2): (True, 1, 0),
    }
    assert revisions(seen) == {name(2): (release(2), 5)}
    assert route(seen) == TrafficRoute(None)
    assert epoch(seen) == 7


@pytest.mark.parametrize("data", [None, {}, {"image": "spark:1", "environment": 1}])
def test_a_revision_that_nobody_can_read_is_as_good_as_gone(data: Any) -> None:
    seen = snapshot()
    kept = next(item for item in seen.children if item["kind"] == "ControllerRevision")
    kept["data"] = data
    assert revisions(seen) == {}


def test_labels_that_somebody_took_away_change_nothing() -> None:
    seen = snapshot()
    for item in seen.children:
        item["metadata"]["labels"].pop(RELEASE_LABEL, None)
    assert set(workloads(seen)) == {name(1), name(2)}
    assert set(revisions(seen)) == {name(2)}


def test_what_another_resource_owns_is_not_seen() -> None:
    seen = snapshot()
    for item in seen.children:
        item["metadata"]["ownerReferences"][0]["uid"] = "other"
    assert workloads(seen)[name(1)].exists is False
    assert revisions(seen) == {}
    assert route(seen) is None
    assert epoch(seen) == 0


def test_why_pods_cannot_be_created() -> None:
    seen = snapshot()
    deployment = next(item for item in seen.children if item["kind"] == "Deployment")
    refusal = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    deployment["status"] = {"conditions": [refusal]}
    work = workloads(seen)[deployment["metadata"]["labels"][RELEASE_LABEL]]
    assert work.trouble == "FailedCreate: exceeded quota"


def test_an_invalid_resource_keeps_what_status_knew() -> None:
    text = body(2) | {"status": at(0, 5).to_dict()}
    status = invalid_status(text, "spec.replicas: too small", NOW)
    assert status["stable"] == text["status"]["stable"]
    found = {item["type"]: (item["status"], item["message"]) for item in status["conditions"]}
    assert found["Accepted"] == ("False", "spec.replicas: too small")
    assert found["Stalled"] == ("True", "spec.replicas: too small")
    again = invalid_status(text | {"status": status}, "spec.replicas: too small", NOW + 60)
    assert again == status


def test_the_selector_as_text() -> None:
    assert (
        selector_text("spark", name(1)) == f"spark.dev/deployment=spark,{RELEASE_LABEL}={name(1)}"
    )
