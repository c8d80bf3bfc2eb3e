"""Pods of Jobs as the kubelet reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spark_operator.api.fields import format_time, to_time
from tests.simulation.world.work import JOB_LABEL

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

CONTAINER = "job"


def is_job(pod: Manifest) -> bool:
    """Whether a Job made it."""
    owners = pod["metadata"].get("ownerReferences") or [{}]
    return bool(owners[0].get("kind") == "Job")


def kind_of(pod: Manifest) -> str:
    """What its Job is for; the pod's own label, which its Job's template gives it."""
    return str(pod["metadata"]["labels"].get(JOB_LABEL, ""))


def new_pod(job: Manifest, name: str) -> Manifest:
    """A pod that is bound to a node and has not started."""
    meta, template = job["metadata"], job["spec"]["template"]
    own = template["spec"]["containers"][0]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": {
            "nodeName": "node",
            "restartPolicy": template["spec"]["restartPolicy"],
            "containers": [{"name": own["name"], "image": own["image"]}],
        },
        "status": status("Pending", own["name"], {"waiting": {"reason": "ContainerCreating"}}),
    }


def status(phase: str, container: str, state: dict[str, Any], *, ready: bool = False) -> Manifest:
    """A pod's status with one container in a state."""
    return {
        "phase": phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "True" if ready else "False"},
        ],
        "containerStatuses": [
            {
                "name": container,
                "image": "",
                "imageID": "",
                "restartCount": 0,
                "ready": ready,
                "state": state,
            }
        ],
    }


def running(pod: Manifest, at: float, ip: str) -> Manifest:
    """The pod while its command runs: ready, as nothing probes it."""
    state = {"running": {"startedAt": format_time(to_time(float(int(at))))}}
    return pod | {"status": status("Running", _container(pod), state, ready=True) | {"podIP": ip}}


def waiting(pod: Manifest, reason: str, message: str) -> Manifest:
    """The pod before its container could be started."""
    state = {"waiting": {"reason": reason, "message": message}}
    return pod | {"status": status("Pending", _container(pod), state)}


def ended(pod: Manifest, at: float, code: int, reason: str, message: str) -> Manifest:
    """The pod whose command has ended; ``message``: what it left in its termination log."""
    now = format_time(to_time(float(int(at))))
    terminated = {
        "exitCode": code,
        "reason": reason,
        "message": message,
        "startedAt": now,
        "finishedAt": now,
    }
    if not message:
        del terminated["message"]
    phase = "Succeeded" if code == 0 else "Failed"
    return pod | {"status": status(phase, _container(pod), {"terminated": terminated})}


def _container(pod: Manifest) -> str:
    return str(pod["spec"]["containers"][0]["name"])
