"""Jobs and their pods; true of the simulated API server and of the real one.

What the simulated controller and kubelet report is written here to both, so that the operator is
never tested with a status that no API server would store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from spark_operator.adapters.kubernetes.client import APPLY
from spark_operator.ports.cluster import ConflictError, RefusedError
from tests.contract.test_api_server import UID
from tests.simulation.world import job_pods, jobs, work

if TYPE_CHECKING:
    from tests.contract.conftest import Api

QUERY: Final = "?fieldManager=spark-operator&force=true&fieldValidation=Strict"
AT: Final = 1_767_225_600.0
REPORT: Final = work.report("preflight", work.Work(end="fails"), {"current": "a", "head": "b"})


def job(api: Api, **spec: Any) -> dict[str, Any]:
    container = {
        "name": "job",
        "image": "spark:1",
        "command": ["spark-app", "preflight"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    template = {
        "metadata": {"labels": {work.JOB_LABEL: "preflight", "spark.dev/job-of": "spark"}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "spark-1-preflight",
            "namespace": api.namespace,
            "labels": {"spark.dev/deployment": "spark"},
        },
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 120, "template": template} | spec,
    }


def path(api: Api, suffix: str = "") -> str:
    return api.path("jobs", f"spark-1-preflight{suffix}", "batch/v1")


async def apply(api: Api, manifest: dict[str, Any]) -> dict[str, Any]:
    return await api.cluster.request("PATCH", path(api) + QUERY, manifest, content_type=APPLY)


async def store(api: Api, seen: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    return await api.cluster.request("PUT", path(api, "/status"), seen | {"status": status})


async def test_a_job_is_given_a_selector_of_its_own(api: Api) -> None:
    made = await apply(api, job(api))
    uid = made["metadata"]["uid"]
    assert made["metadata"]["generation"] == 1
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "spark-1-preflight",
        "controller-uid": uid,
        "job-name": "spark-1-preflight",
        "spark.dev/job": "preflight",
        "spark.dev/job-of": "spark",
    }
    defaults = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 0,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    assert {key: made["spec"][key] for key in defaults} == defaults


async def test_a_job_applied_again_is_left_alone(api: Api) -> None:
    first, second = [await apply(api, job(api)) for _ in range(2)]
    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    query = "?labelSelector=spark.dev%2Fdeployment%3Dspark"
    found = await api.cluster.request("GET", api.path("jobs", version="batch/v1") + query)
    assert [item["metadata"]["uid"] for item in found["items"]] == [first["metadata"]["uid"]]


async def test_what_a_job_runs_cannot_be_changed(api: Api) -> None:
    await apply(api, job(api))
    other = job(api)
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "spark:2"
    with pytest.raises(RefusedError):
        await apply(api, other)
    found = await apply(api, job(api, activeDeadlineSeconds=60))
    assert found["spec"]["activeDeadlineSeconds"] == 60


async def test_a_job_is_deleted_at_once_in_the_background_and_else_waits(api: Api) -> None:
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    await apply(api, job(api))
    await api.cluster.request("DELETE", path(api), options)
    assert await api.cluster.get(path(api)) is None
    await apply(api, job(api))
    await api.cluster.request("DELETE", path(api))
    found = await api.cluster.get(path(api))
    assert found is not None
    assert found["metadata"]["finalizers"] == ["orphan"]
    assert "deletionTimestamp" in found["metadata"]


async def test_a_job_deleted_as_another_is_kept(api: Api) -> None:
    await apply(api, job(api))
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": UID}}
    with pytest.raises(ConflictError):
        await api.cluster.request("DELETE", path(api), options)


async def test_a_job_that_completes_is_reported_so(api: Api) -> None:
    made = await apply(api, job(api))
    first = jobs.counted({"status": jobs.started(made, AT)}, active=1, succeeded=0, failed=0)
    seen = await store(api, made, first)
    assert seen["status"]["active"] == 1
    done = jobs.completed(jobs.counted(seen, active=0, succeeded=1, failed=0), AT + 9)
    seen = await store(api, seen, done)
    assert jobs.is_finished(seen)
    assert seen["status"]["succeeded"] == 1
    assert "active" not in seen["status"]
    assert seen["status"]["completionTime"] == "2026-01-01T00:00:09Z"


@pytest.mark.parametrize("reason", ["DeadlineExceeded", "BackoffLimitExceeded"])
async def test_a_job_that_fails_is_reported_so(api: Api, reason: str) -> None:
    made = await apply(api, job(api))
    seen = await store(api, made, jobs.started(made, AT))
    counts = jobs.counted(seen, active=0, succeeded=0, failed=1)
    seen = await store(api, seen, jobs.failed(counts, reason, "it did", AT + 9))
    found = {item["type"]: item["reason"] for item in seen["status"]["conditions"]}
    assert found == {"FailureTarget": reason, "Failed": reason}


async def test_a_jobs_pod_leaves_its_report_and_goes_at_once_when_deleted(api: Api) -> None:
    made = await apply(api, job(api))
    pod = job_pods.new_pod(made, "spark-1-preflight-00001")
    seen = await api.cluster.request("POST", api.path("pods"), pod)
    where = api.path("pods", "spark-1-preflight-00001")
    query = "?labelSelector=spark.dev%2Fjob-of%3Dspark"
    found = await api.cluster.request("GET", api.path("pods") + query)
    assert len(found["items"]) == 1
    running = job_pods.running(seen, AT, "10.1.0.1")
    seen = await api.cluster.request("PUT", f"{where}/status", running)
    ended = job_pods.ended(seen, AT + 9, 1, "Error", REPORT)
    seen = await api.cluster.request("PUT", f"{where}/status", ended)
    state = seen["status"]["containerStatuses"][0]["state"]
    assert (seen["status"]["phase"], list(state)) == ("Failed", ["terminated"])
    assert (state["terminated"]["exitCode"], state["terminated"]["message"]) == (1, REPORT)
    await api.cluster.request("DELETE", where)
    assert await api.cluster.get(where) is None
