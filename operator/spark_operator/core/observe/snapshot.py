"""From API objects to observations: reads the few fields that decisions depend on."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spark_operator.core.model import objects
from spark_operator.core.model.image import digest_of
from spark_operator.core.model.labels import (
    CONTAINER,
    JOB_CONTAINER,
    RELEASE_LABEL,
    ROTATIONS_ANNOTATION,
    RUN_ANNOTATION,
)
from spark_operator.core.model.objects import Ref, is_owned_by, timestamp
from spark_operator.core.model.release import Release, UnreadableReleaseError
from spark_operator.core.observe.values import Job, Pod, TrafficRoute, Workload

if TYPE_CHECKING:
    from spark_operator.core.model.objects import Manifest

SIGNALLED: Final = 128
"""Exit codes from here on say that a signal ended the process."""
QUIET_REASONS: Final = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A resource and everything around it, as the API server gave it at one time."""

    resource: Manifest
    children: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    foreign: tuple[Ref, ...] = field(default=())
    """Objects under fixed child names that the resource does not control."""
    job_pods: tuple[Manifest, ...] = ()
    """Pods of its Jobs, which are none of its releases' own."""


def pod(manifest: Manifest) -> Pod:
    """Read one pod."""
    meta, status = manifest["metadata"], manifest.get("status") or {}
    container = _container(status)
    conditions = {item["type"]: item for item in status.get("conditions") or []}
    last = (container.get("lastState") or {}).get("terminated") or {}
    running = (container.get("state") or {}).get("running") or {}
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        release=(meta.get("labels") or {}).get(RELEASE_LABEL, ""),
        ip=status.get("podIP", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        terminating="deletionTimestamp" in meta or status.get("phase") in ("Failed", "Succeeded"),
        restarts=int(container.get("restartCount", 0)),
        oom_killed=last.get("reason") == "OOMKilled",
        started_at=objects.timestamp(running.get("startedAt")),
        digest=digest_of(container.get("imageID", "")),
        trouble=_trouble(container, conditions),
    )


def _container(status: dict[str, Any]) -> dict[str, Any]:
    """What a pod's status says of our container, whichever others a webhook has put beside it."""
    found: list[dict[str, Any]] = status.get("containerStatuses") or []
    ours = (item for item in found if item.get("name") in (CONTAINER, JOB_CONTAINER))
    return next(ours, found[0] if found else {})


def _trouble(container: dict[str, Any], conditions: dict[str, dict[str, Any]]) -> str:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', '')}".strip()
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    if waiting and waiting.get("reason") not in QUIET_REASONS:
        return f"{waiting.get('reason', 'Waiting')}: {waiting.get('message', '')}".strip(": ")
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    if ended and not container.get("ready"):
        return f"{ended.get('reason', 'Terminated')}: exit code {ended.get('exitCode', '?')}"
    return ""


def workloads(snapshot: Snapshot) -> dict[str, Workload]:
    """Deployments and pods by the release they belong to."""
    uid = snapshot.resource["metadata"]["uid"]
    pods: dict[str, list[Pod]] = {}
    for item in map(pod, snapshot.pods):
        pods.setdefault(item.release, []).append(item)
    deployments = {
        _release_in_name(item): item
        for item in snapshot.children
        if item["kind"] == "Deployment" and is_owned_by(item, uid)
    }
    return {
        release: Workload(
            release=release,
            exists=release in deployments,
            replicas=deployments[release]["spec"].get("replicas", 1)
            if release in deployments
            else 0,
            pods=tuple(pods.get(release, ())),
            refusal=_refusal(deployments.get(release)),
            rotations=_rotations(deployments.get(release)),
        )
        for release in {*pods, *deployments}
    }


def jobs(snapshot: Snapshot) -> dict[str, Job]:
    """Jobs by name, each with what its last pod says."""
    uid = snapshot.resource["metadata"]["uid"]
    pods: dict[str, Manifest] = {}
    for item in sorted(snapshot.job_pods, key=lambda it: it["metadata"]["creationTimestamp"]):
        for owner in item["metadata"].get("ownerReferences") or []:
            pods[owner["uid"]] = item
    return {
        item["metadata"]["name"]: _job(item, pods.get(item["metadata"]["uid"]))
        for item in snapshot.children
        if item["kind"] == "Job" and is_owned_by(item, uid)
    }


def _job(manifest: Manifest, last: Manifest | None) -> Job:
    meta = manifest["metadata"]
    conditions = {
        item["type"]: item
        for item in (manifest.get("status") or {}).get("conditions") or []
        if item.get("status") == "True"
    }
    container = _container((last or {}).get("status") or {})
    ended = (container.get("state") or {}).get("terminated") or {}
    seen = pod(last) if last is not None else None
    return Job(
        name=meta["name"],
        run=(meta.get("annotations") or {}).get(RUN_ANNOTATION, ""),
        created=timestamp(meta.get("creationTimestamp")),
        finished="Complete" in conditions or "Failed" in conditions,
        succeeded="Complete" in conditions,
        exited=0 < int(ended.get("exitCode", 0)) < SIGNALLED,
        timed_out=conditions.get("Failed", {}).get("reason") == "DeadlineExceeded",
        report=str(ended.get("message", "")),
        trouble=seen.trouble if seen else "",
    )


def _release_in_name(item: Manifest) -> str:
    """The release that a child's name ends in: names cannot be edited, labels can."""
    return str(item["metadata"]["name"]).rpartition("-")[2]


def _rotations(deployment: Manifest | None) -> int:
    template = ((deployment or {}).get("spec") or {}).get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(ROTATIONS_ANNOTATION, "0")
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _refusal(deployment: Manifest | None) -> str:
    """Why a Deployment's pods cannot be created, in the API server's words."""
    conditions = ((deployment or {}).get("status") or {}).get("conditions") or []
    for item in conditions:
        if item.get("type") == "ReplicaFailure" and item.get("status") == "True":
            return f"{item.get('reason', 'FailedCreate')}: {item.get('message', '')}"
    return ""


def revisions(snapshot: Snapshot) -> dict[str, tuple[Release, int]]:
    """Releases that have a ControllerRevision, with its number.

    One that cannot be read is left out, as if it were gone: nothing else may stand still for it.
    """
    uid = snapshot.resource["metadata"]["uid"]
    found = {}
    for item in snapshot.children:
        if item["kind"] == "ControllerRevision" and is_owned_by(item, uid):
            name = _release_in_name(item)
            with contextlib.suppress(UnreadableReleaseError):
                found[name] = (Release.from_data(item.get("data"), name), int(item["revision"]))
    return found


def route(snapshot: Snapshot) -> TrafficRoute | None:
    """What the users' Service selects; None while there is no such Service."""
    meta = snapshot.resource["metadata"]
    for item in snapshot.children:
        is_route = item["kind"] == "Service" and item["metadata"]["name"] == meta["name"]
        if is_route and is_owned_by(item, meta["uid"]):
            return TrafficRoute(release=(item["spec"].get("selector") or {}).get(RELEASE_LABEL))
    return None


def epoch(snapshot: Snapshot) -> int:
    """The highest epoch that an owned child carries, 0 where there is none."""
    uid = snapshot.resource["metadata"]["uid"]
    owned = (item for item in snapshot.children if is_owned_by(item, uid))
    return max(map(objects.epoch, owned), default=0)


def rests(snapshot: Snapshot) -> bool:
    """Whether a resource waits for nothing but people and alerts."""
    status = snapshot.resource.get("status") or {}
    running = any(job.get("state") == "Running" for job in status.get("jobs") or ())
    return status.get("phase") in ("Stable", "RolledBack") and not running
