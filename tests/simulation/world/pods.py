"""Pods as the kubelet reports them: manifests, and the states that they go through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spark_operator.api.fields import format_time, to_time
from spark_operator.core.model.labels import RELEASE_LABEL

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest


def new_pod(deployment: Manifest, name: str, template_hash: str) -> Manifest:
    """A pod that is bound to a node and has not started."""
    meta, template = deployment["metadata"], deployment["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": template["metadata"]["labels"] | {"pod-template-hash": template_hash},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "Deployment",
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": {
            "nodeName": "node",
            "terminationGracePeriodSeconds": template["spec"]["terminationGracePeriodSeconds"],
            "containers": [{"name": "spark", "image": template["spec"]["containers"][0]["image"]}],
        },
        "status": _status({"waiting": {"reason": "ContainerCreating"}}, ready=False),
    }


def _status(state: dict[str, Any], *, ready: bool, **container: Any) -> Manifest:
    return {
        "phase": "Running" if "running" in state else "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "True" if ready else "False"},
        ],
        "containerStatuses": [{"name": "spark", "ready": ready, "state": state, **container}],
    }


def running(pod: Manifest, at: float, ip: str, *, ready: bool, restarts: int) -> Manifest:
    """The pod with its container running since ``at``."""
    image = pod["spec"]["containers"][0]["image"]
    started = format_time(to_time(float(int(at))))
    status = _status(
        {"running": {"startedAt": started}},
        ready=ready,
        restartCount=restarts,
        imageID=f"registry/spark@sha256:{image.encode().hex():0<64}",
        **_last(pod),
    )
    return pod | {"status": status | {"podIP": ip}}


def waiting(pod: Manifest, reason: str, message: str, *, restarts: int = 0) -> Manifest:
    """The pod with its container waiting to be started."""
    state = {"waiting": {"reason": reason, "message": message}}
    status = _status(state, ready=False, restartCount=restarts, **_last(pod))
    address = {"podIP": pod["status"]["podIP"]} if "podIP" in pod["status"] else {}
    return pod | {"status": status | address}


def ended(pod: Manifest, reason: str, code: int, *, restarts: int) -> Manifest:
    """The pod whose container has just ended and waits to be started again."""
    terminated = {"terminated": {"reason": reason, "exitCode": code}}
    container = pod["status"]["containerStatuses"][0] | {"lastState": terminated}
    pod = pod | {"status": pod["status"] | {"containerStatuses": [container]}}
    return waiting(pod, "CrashLoopBackOff", f"back-off after {reason}", restarts=restarts)


def _last(pod: Manifest) -> dict[str, Any]:
    container = pod["status"]["containerStatuses"][0]
    return {"lastState": container["lastState"]} if "lastState" in container else {}


def is_ready(pod: Manifest) -> bool:
    """Whether its Ready condition holds."""
    conditions = pod["status"]["conditions"]
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def is_ending(pod: Manifest) -> bool:
    """Whether it is on its way out."""
    return "deletionTimestamp" in pod["metadata"]


def release_of(pod: Manifest) -> str:
    """The release it belongs to."""
    label: str = pod["metadata"]["labels"].get(RELEASE_LABEL, "")
    return label


def image_of(pod: Manifest) -> str:
    """Its container's image."""
    image: str = pod["spec"]["containers"][0]["image"]
    return image
