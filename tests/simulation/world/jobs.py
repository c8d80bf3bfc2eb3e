"""The Job controller: one pod at a time until one succeeds, too many fail, or time is over.

Sources: k8s.io/kubernetes/pkg/controller/job/job_controller.go; the conditions that come before
Complete and Failed: https://kubernetes.io/docs/concepts/workloads/controllers/job/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.fields import format_time, to_time
from tests.simulation.api.errors import Refusal
from tests.simulation.api.paths import Collection
from tests.simulation.world import job_pods, pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.server import ApiServer, Change

ACTOR: Final = "job-controller"
FIRST_BACK_OFF: Final = 10.0
LONGEST_BACK_OFF: Final = 600.0


def started(job: Manifest, at: float) -> Manifest:
    """The status of a Job whose first pod is about to be made."""
    return (job.get("status") or {}) | {"startTime": _stamp(at)}


def counted(job: Manifest, *, active: int, succeeded: int, failed: int) -> Manifest:
    """The status with its pods counted; zeros are left out, as the API server leaves them out."""
    counts = {"active": active, "succeeded": succeeded, "failed": failed}
    rest = {key: it for key, it in (job.get("status") or {}).items() if key not in counts}
    rest |= {key: count for key, count in counts.items() if count}
    return rest | {"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}


def completed(status: Manifest, at: float) -> Manifest:
    """The status of a Job with a pod that succeeded."""
    why = ("CompletionsReached", "Reached expected number of succeeded pods")
    conditions = [_condition(kind, *why, at) for kind in ("SuccessCriteriaMet", "Complete")]
    return status | {"conditions": conditions, "completionTime": _stamp(at)}


def failed(status: Manifest, reason: str, message: str, at: float) -> Manifest:
    """The status of a Job that will not be tried again."""
    kinds = ("FailureTarget", "Failed")
    return status | {"conditions": [_condition(kind, reason, message, at) for kind in kinds]}


def _condition(kind: str, reason: str, message: str, at: float) -> dict[str, Any]:
    now = _stamp(at)
    times = {"lastProbeTime": now, "lastTransitionTime": now}
    return {"type": kind, "status": "True", "reason": reason, "message": message, **times}


def _stamp(at: float) -> str:
    return format_time(to_time(float(int(at))))


class JobController:
    """Looks at a Job whenever it or one of its pods changed, and when its time is over."""

    def __init__(
        self,
        server: ApiServer,
        later: Callable[[float, Callable[[], None]], None],
        delay: Callable[[], float],
    ) -> None:
        self._server = server
        self._later = later
        self._delay = delay
        self._due: set[tuple[str, str]] = set()
        self._started: dict[str, float] = {}
        self._lost: dict[str, set[str]] = {}
        """UIDs of pods that failed or vanished, by their Job's UID."""
        self._not_before: dict[str, float] = {}
        self._made = 0
        server.listeners.append(self._see)

    def _see(self, change: Change) -> None:
        name, namespace = change.name, change.collection.namespace
        if change.collection.plural == "pods" and job_pods.is_job(change.manifest):
            name = self._count(change.manifest, gone=change.verb == "DELETED")
        elif change.collection.plural != "jobs" or change.verb == "DELETED":
            return
        self._wake(namespace, name, self._delay())

    def _wake(self, namespace: str, name: str, delay: float) -> None:
        if (namespace, name) not in self._due:
            self._due.add((namespace, name))
            self._later(delay, lambda: self._look(namespace, name))

    def _count(self, pod: Manifest, *, gone: bool) -> str:
        owner, uid = pod["metadata"]["ownerReferences"][0], pod["metadata"]["uid"]
        lost = self._lost.setdefault(owner["uid"], set())
        phase = pod["status"]["phase"]
        if uid not in lost and (phase == "Failed" or (gone and phase != "Succeeded")):
            lost.add(uid)
            pause = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** (len(lost) - 1))
            self._not_before[owner["uid"]] = self._server.now() + pause
        return str(owner["name"])

    def _look(self, namespace: str, name: str) -> None:
        self._due.discard((namespace, name))
        job = self._server.all(Collection("batch/v1", "jobs", namespace)).get(name)
        if job is None or is_finished(job):
            return
        now, uid = self._server.now(), job["metadata"]["uid"]
        if uid not in self._started:
            self._started[uid] = now
            deadline = job["spec"].get("activeDeadlineSeconds")
            if deadline is not None:
                self._later(deadline, lambda: self._look(namespace, name))
            self._store(job, started(job, now))
            return
        self._sync(job, namespace, now)

    def _sync(self, job: Manifest, namespace: str, now: float) -> None:
        uid, spec = job["metadata"]["uid"], job["spec"]
        own = [
            pod
            for pod in self._server.all(Collection("v1", "pods", namespace)).values()
            if job_pods.is_job(pod) and pod["metadata"]["ownerReferences"][0]["uid"] == uid
        ]
        active = [pod for pod in own if pod["status"]["phase"] in ("Pending", "Running")]
        done = any(pod["status"]["phase"] == "Succeeded" for pod in own)
        lost = len(self._lost.get(uid, ()))
        status = counted(job, active=len(active), succeeded=int(done), failed=lost)
        deadline = spec.get("activeDeadlineSeconds")
        if done:
            status = completed(status, now)
        elif deadline is not None and now - self._started[uid] >= deadline:
            if not self._stop(active, namespace):
                message = "Job was active longer than specified deadline"
                status = failed(status, "DeadlineExceeded", message, now)
        elif lost > spec["backoffLimit"]:
            message = "Job has reached the specified backoff limit"
            status = failed(status, "BackoffLimitExceeded", message, now)
        elif not active:
            self._start(job, namespace, now)
        self._store(job, status)

    def _stop(self, active: list[Manifest], namespace: str) -> bool:
        """End what runs; whether anything still does."""
        for pod in active:
            if not pods.is_ending(pod):
                self._server.end(
                    ACTOR, Collection("v1", "pods", namespace), pod["metadata"]["name"]
                )
        return bool(active)

    def _start(self, job: Manifest, namespace: str, now: float) -> None:
        wait = self._not_before.get(job["metadata"]["uid"], now) - now
        if wait > 0.0:
            self._wake(namespace, job["metadata"]["name"], wait)
            return
        self._made += 1
        name = f"{job['metadata']['name']}-{self._made:05d}"
        try:
            pod = job_pods.new_pod(job, name)
            self._server.create(ACTOR, Collection("v1", "pods", namespace), pod)
        except Refusal as refusal:
            raise AssertionError(refusal.message) from refusal

    def _store(self, job: Manifest, status: Manifest) -> None:
        where = Collection("batch/v1", "jobs", job["metadata"]["namespace"])
        live = self._server.all(where)[job["metadata"]["name"]]
        stored = self._server.replace(ACTOR, where, live | {"status": status})
        lasts = job["spec"].get("ttlSecondsAfterFinished")
        if lasts is not None and is_finished(stored):
            self._later(lasts, lambda: self._expire(where, stored))

    def _expire(self, where: Collection, job: Manifest) -> None:
        live = self._server.all(where).get(job["metadata"]["name"])
        if live is not None and live["metadata"]["uid"] == job["metadata"]["uid"]:
            self._server.end(ACTOR, where, job["metadata"]["name"])


def is_finished(job: Manifest) -> bool:
    """Whether the Job is Complete or Failed."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(item["type"] in ("Complete", "Failed") for item in conditions)
