"""The simulated cluster runs Jobs as a real one does, in every way that they can end."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.simulation.api.paths import Collection
from tests.simulation.loop import virtual_loop
from tests.simulation.world.behaviour import Behaviour
from tests.simulation.world.work import End, Work
from tests.simulation.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest

JOBS: Final = Collection("batch/v1", "jobs", "production")
PODS: Final = Collection("v1", "pods", "production")
PATH: Final = "/apis/batch/v1/namespaces/production/jobs"
LONG: Final = 60.0


def apply(world: World, kind: str, name: str = "", **spec: Any) -> Manifest:
    """Make a Job of a release as the operator does."""
    labels = {"spark.dev/job": kind, "spark.dev/release": "one"}
    container = {"name": "job", "image": "spark:1", "command": ["spark-app", kind]}
    template = {
        "metadata": {"labels": labels | {"spark.dev/job-of": "spark"}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
    name = name or f"spark-one-{kind}"
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels | {"spark.dev/deployment": "spark"}},
        "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 30, "template": template} | spec,
    }
    content_type = "application/apply-patch+yaml"
    answer = world.server.handle("operator", "PATCH", f"{PATH}/{name}", manifest, content_type)
    made: Manifest = json.loads(answer)
    return made


def conditions(world: World, name: str) -> dict[str, str]:
    status = world.server.all(JOBS)[name].get("status") or {}
    return {item["type"]: item["reason"] for item in status.get("conditions") or []}


def ended(world: World) -> dict[str, Any]:
    """How the only pod's container ended."""
    (pod,) = world.server.all(PODS).values()
    state: dict[str, Any] = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return state


def play(story: Callable[[World], list[float]], **jobs: Work) -> World:
    """A world in which a story's steps were told and the seconds after each had passed."""
    with virtual_loop() as loop:
        world = World(loop, 1, "spark")
        kinds = {kind.replace("_", "-"): work for kind, work in jobs.items()}
        world.kubelet.images["spark:1"] = Behaviour(jobs=kinds)
        for seconds in story(world):
            loop.run_until_complete(asyncio.sleep(seconds))
    return world


def once(kind: str, **spec: Any) -> Callable[[World], list[float]]:
    def story(world: World) -> list[float]:
        apply(world, kind, **spec)
        return [LONG]

    return story


@pytest.mark.parametrize("kind", ["preflight", "verify", "migrate", "traffic"])
def test_a_job_passes_with_a_sound_report(kind: str) -> None:
    world = play(once(kind))
    assert set(conditions(world, f"spark-one-{kind}")) == {"SuccessCriteriaMet", "Complete"}
    state = ended(world)
    report = json.loads(state["message"])
    assert state["exitCode"] == 0
    assert report["passed"] is True
    assert {check["status"] for check in report["checks"]} == {"pass"}
    assert ("schema" in report) == (kind in ("preflight", "migrate"))


@pytest.mark.parametrize(
    ("end", "code", "reports"),
    [("fails", 1, True), ("is killed", 137, False), ("is killed after its commit", 137, False)],
)
def test_a_job_that_fails_is_not_tried_again(end: End, code: int, reports: bool) -> None:
    world = play(once("migrate"), migrate=Work(end=end))
    assert conditions(world, "spark-one-migrate")["Failed"] == "BackoffLimitExceeded"
    assert world.server.all(JOBS)["spark-one-migrate"]["status"]["failed"] == 1
    state = ended(world)
    assert state["exitCode"] == code
    assert ("message" in state) == reports
    (run,) = world.database.runs
    assert run.committed == (end == "is killed after its commit")
    assert not run.passed


def test_a_job_that_hangs_is_ended_at_its_deadline_and_leaves_no_pod() -> None:
    world = play(once("migrate", activeDeadlineSeconds=10), migrate=Work(end="hangs"))
    assert conditions(world, "spark-one-migrate")["Failed"] == "DeadlineExceeded"
    assert not world.server.all(PODS)
    assert not world.database.runs[0].committed


def test_a_job_whose_image_cannot_be_pulled_ends_at_its_deadline() -> None:
    def story(world: World) -> list[float]:
        world.kubelet.images["spark:1"] = Behaviour(pulls=False)
        apply(world, "preflight", activeDeadlineSeconds=10)
        return [LONG]

    world = play(story)
    assert conditions(world, "spark-one-preflight")["Failed"] == "DeadlineExceeded"


def test_a_job_with_tries_left_gets_another_pod() -> None:
    world = play(once("migrate", backoffLimit=1), migrate=Work(end="is killed after its commit"))
    assert conditions(world, "spark-one-migrate")["Failed"] == "BackoffLimitExceeded"
    first, second = world.database.runs
    assert first.ended is not None
    assert second.began > first.ended + 9.0
    assert (first.committed, second.committed) == (True, False)


def test_a_migration_is_committed_once_however_often_it_runs_and_can_be_undone() -> None:
    def story(world: World) -> list[float]:
        for number, kind in enumerate(["migrate", "migrate", "undo", "migrate"]):
            world.later(20.0 * number, partial(_applied, world, kind, f"job-{number}"))
        return [100.0]

    world = play(story)
    found = [(run.kind, run.committed) for run in world.database.runs]
    assert found == [
        ("migrate", True),
        ("migrate", False),
        ("undo", True),
        ("migrate", True),
    ]


def test_a_pod_that_is_deleted_half_way_counts_as_failed() -> None:
    def story(world: World) -> list[float]:
        apply(world, "migrate")
        world.later(3.5, lambda: end_pods(world))
        return [LONG]

    world = play(story, migrate=Work(seconds=5.0))
    assert conditions(world, "spark-one-migrate")["Failed"] == "BackoffLimitExceeded"
    assert not world.server.all(PODS)


def _applied(world: World, kind: str, name: str) -> None:
    apply(world, kind, name)


def end_pods(world: World) -> None:
    for name in list(world.server.all(PODS)):
        world.server.end("somebody", PODS, name)


def test_what_a_deleted_job_left_is_collected() -> None:
    def story(world: World) -> list[float]:
        apply(world, "migrate")
        world.later(4.0, lambda: world.server.end("somebody", JOBS, "spark-one-migrate"))
        return [LONG]

    world = play(story, migrate=Work(end="hangs"))
    assert not world.server.all(JOBS)
    assert not world.server.all(PODS)


def test_a_job_goes_some_time_after_it_ended() -> None:
    world = play(once("verify", ttlSecondsAfterFinished=20))
    assert not world.server.all(JOBS)
    assert not world.server.all(PODS)


def test_a_jobs_pod_that_the_service_selects_answers_nobody() -> None:
    def story(world: World) -> list[float]:
        spec = {"selector": {"spark.dev/release": "one"}}
        manifest = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "spark"}}
        services = Collection("v1", "services", "production")
        world.server.create("user", services, manifest | {"spec": spec})
        apply(world, "preflight")
        return [LONG]

    world = play(story)
    world.users.advance()
    assert sum(item.lost for item in world.users.served if item.release == "one") > 0
