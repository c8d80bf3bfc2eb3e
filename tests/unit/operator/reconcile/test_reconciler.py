"""One reconcile through its ports: the order of writes, and what must not hold up another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.core import judge
from spark_operator.core.model.labels import NO_RELEASE, RELEASE_LABEL
from spark_operator.core.model.objects import Ref
from spark_operator.core.render import render, revision
from spark_operator.ports.cluster import ConflictError, Key, RefusedError, UnavailableError
from spark_operator.reconcile import events
from spark_operator.reconcile.memory import Memory, ReconcileResult
from spark_operator.reconcile.reconciler import Reconciler
from tests.unit.operator.core.builders import IMAGES, NOW, body, judged, name, release, resource
from tests.unit.operator.core.decide.cases import at, guarded
from tests.unit.operator.reconcile.cluster import FixedClock, MemoryCluster, NoMetrics

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus

KEY = Key("production", "spark")


def pod(version: int, number: int = 0) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"spark-{version}-{number}",
            "uid": f"{version}-{number}",
            "labels": {"spark.dev/deployment": "spark", RELEASE_LABEL: name(version)},
        },
        "status": {
            "podIP": f"10.0.{version}.{number}",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def cluster(version: int, status: SparkDeploymentStatus, **spec: Any) -> MemoryCluster:
    """A cluster in which everything is as ``status`` says."""
    made = MemoryCluster(resource=body(version, **spec) | {"status": status.to_dict()})
    given = resource(version, status, **spec)
    known = {name(number): release(number) for number in IMAGES}
    for number in (1, 2):
        item = revision(given, release(number), number)
        made.children[Ref("ControllerRevision", item["metadata"]["name"])] = made._stored(item)
    for item in render(given, known):
        made.children[Ref(item["kind"], item["metadata"]["name"])] = made._stored(item)
    made.pods = [*(pod(1, number) for number in range(4)), pod(2)]
    return made


async def reconcile(
    world: MemoryCluster,
    memory: Memory | None = None,
    metrics: NoMetrics | None = None,
    clock: FixedClock | None = None,
) -> ReconcileResult:
    reconciler = Reconciler(world, metrics or NoMetrics(), clock or FixedClock())
    result = await reconciler.reconcile(KEY, memory or Memory(), woken=True)
    assert result is not None
    return result


FAILING = Memory(judge=judged(0.5))
CUT = {"spark.dev/deployment": "spark", RELEASE_LABEL: name(1)}


def users(world: MemoryCluster) -> dict[str, str]:
    found: dict[str, str] = world.children[Ref("Service", "spark")]["spec"]["selector"]
    return found


async def test_revision_then_status_then_the_users_service_then_the_rest() -> None:
    world = MemoryCluster()
    await reconcile(world)
    assert world.log[:3] == [
        f"create ControllerRevision spark-{name(1)}",
        "status",
        "apply Service spark",
    ]
    assert users(world)[RELEASE_LABEL] == name(1)
    assert world.events == ["Installing"]


async def test_at_rest_nothing_is_written() -> None:
    world = cluster(2, at(0, 5))
    first = await reconcile(world)
    world.log.clear()
    second = await reconcile(world, first.memory)
    assert world.log == []
    assert second.next_due == NOW + 1


async def test_traffic_is_cut_before_anything_else_is_written() -> None:
    world = cluster(2, at(0, 5))
    assert RELEASE_LABEL not in users(world)
    await reconcile(world, FAILING)
    assert world.log[:2] == ["status", "apply Service spark"]
    assert users(world) == CUT
    assert world.children[Ref("Deployment", f"spark-{name(2)}")]["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    "refused", ["create ControllerRevision", "apply Deployment", "apply ServiceAccount"]
)
async def test_a_write_that_is_refused_does_not_delay_the_cut(refused: str) -> None:
    world = cluster(2, at(0, 5))
    for gone in (name(1), name(2)):
        world.children.pop(Ref("ControllerRevision", f"spark-{gone}"))
    world.children.pop(Ref("ServiceAccount", "spark"))
    world.refusals[refused] = RefusedError("exceeded quota")
    result = await reconcile(world, FAILING)
    assert users(world) == CUT
    assert result.next_due is not None
    assert result.next_due <= NOW + 1


async def test_a_deleted_revision_of_stable_neither_stops_it_nor_delays_the_cut() -> None:
    world = cluster(2, at(0, 5))
    world.children.pop(Ref("ControllerRevision", f"spark-{name(1)}"))
    await reconcile(world, FAILING)
    assert users(world) == CUT
    assert Ref("Deployment", f"spark-{name(1)}") in world.children
    assert Ref("ConfigMap", f"spark-{name(1)}") in world.children


async def test_somebody_else_s_object_does_not_delay_the_cut_and_is_left_alone() -> None:
    world = cluster(2, at(0, 5))
    world.children.pop(Ref("PodDisruptionBudget", "spark"))
    world.foreign = (Ref("PodDisruptionBudget", "spark"),)
    await reconcile(world, FAILING)
    assert users(world) == CUT
    assert "apply PodDisruptionBudget spark" not in world.log


async def test_somebody_else_s_service_keeps_the_first_release_from_being_started() -> None:
    world = MemoryCluster(foreign=(Ref("Service", "spark"),))
    await reconcile(world)
    assert world.log == ["status"]
    assert world.resource is not None
    found = {item["type"]: item for item in world.resource["status"]["conditions"]}
    assert (found["Stalled"]["reason"], found["Accepted"]["status"]) == ("NameTaken", "False")


async def test_no_status_names_a_release_whose_revision_could_not_be_written() -> None:
    world = MemoryCluster()
    world.refusals["create ControllerRevision"] = RefusedError("exceeded quota")
    with pytest.raises(RefusedError):
        await reconcile(world)
    assert world.log == []


async def test_a_decision_on_an_old_resource_is_not_persisted() -> None:
    world = cluster(2, at(0, 5))
    old = await reconcile(world)
    assert world.resource is not None
    world.resource["metadata"]["resourceVersion"] = "other"
    reconciler = Reconciler(world, NoMetrics(), FixedClock())
    world.log.clear()
    memory = Memory(snapshot=old.memory.snapshot, read_at=NOW, judge=FAILING.judge)
    with pytest.raises(ConflictError):
        await reconciler.reconcile(KEY, memory, woken=False)
    assert world.log == ["status"]


async def test_writes_that_change_nothing_do_not_loop_hot() -> None:
    world, clock, memory = cluster(1, at(0, 5)), FixedClock(), Memory()
    world = cluster(2, at(0, 5))
    world.children[Ref("NetworkPolicy", "spark")]["spec"] = {}
    world.stubborn = "NetworkPolicy"
    tried = 0
    for _ in range(60):
        world.log.clear()
        result = await reconcile(world, memory, clock=clock)
        tried += "apply NetworkPolicy spark" in world.log
        memory = result.memory
        assert result.next_due is not None
        clock.at = max(clock.at, result.next_due)
    assert clock.at > NOW + 30
    assert tried < 12


async def test_what_an_apply_leaves_alone_is_taken_out_once_it_is_somebody_elses() -> None:
    """A foreign entry of a list has an owner of its own, whom an apply respects."""
    world = cluster(2, at(0, 5))
    deployment = world.children[Ref("Deployment", f"spark-{name(1)}")]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "DEBUG", "value": "1"})
    first = await reconcile(world)
    assert [line for line in world.log if "Deployment" in line] == []
    added: dict[str, Any] = {'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:value": {}}}
    containers = {'k:{"name":"spark"}': {"f:env": added}}
    held = {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}
    deployment["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": held}
    ]
    await reconcile(world, first.memory)
    written = [line for line in world.log if "Deployment" in line]
    assert written == [f"strip Deployment spark-{name(1)}"]


async def test_events_that_are_not_taken_delay_the_next_look_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "LONGEST_SECONDS", 0.05)
    world = cluster(2, at(0, 5))
    world.never_told = asyncio.Event()
    async with asyncio.timeout(5):
        result = await reconcile(world, FAILING)
    assert users(world) == CUT
    assert result.failure is None


async def test_a_futile_write_does_not_delay_the_cut() -> None:
    world = cluster(2, at(0, 5))
    world.children[Ref("NetworkPolicy", "spark")]["spec"] = {}
    world.stubborn = "NetworkPolicy"
    memory = Memory()
    for _ in range(4):
        memory = (await reconcile(world, memory)).memory
    await reconcile(world, Memory(judge=FAILING.judge, attempt=memory.attempt))
    assert users(world) == CUT


async def test_each_release_is_read_on_its_own_port() -> None:
    world = cluster(2, at(0, 5), pod={"port": 4000})
    moved = name_of(world)
    assert world.resource is not None
    world.resource["status"]["candidate"]["release"] = moved
    world.pods[-1]["metadata"]["labels"][RELEASE_LABEL] = moved
    metrics = NoMetrics()
    await reconcile(world, Memory(watch=True, judge=judged(0.0)), metrics)
    assert {(target.uid, target.port) for target in metrics.asked} == {
        ("2-0", 4000),
        *((f"1-{number}", 3000) for number in range(4)),
    }


def name_of(world: MemoryCluster) -> str:
    from spark_operator.api.resource import parse  # noqa: PLC0415 - only here
    from spark_operator.core.model.release import Release  # noqa: PLC0415 - only here

    assert world.resource is not None
    return Release.of(parse(world.resource).spec).name


async def test_under_guard_the_previous_release_is_read_beside_stable() -> None:
    """Without somebody who answers beside it, a dead release would be taken for missing data."""
    world, metrics = cluster(2, guarded()), NoMetrics()
    await reconcile(world, Memory(watch=True, judge=judged(0.0)), metrics)
    assert {target.uid for target in metrics.asked} == {"2-0", "1-0", "1-1", "1-2", "1-3"}


async def test_a_status_older_than_its_children_catches_up() -> None:
    world = cluster(2, at(0, 5))
    world.children[Ref("Service", "spark")]["metadata"]["annotations"]["spark.dev/epoch"] = "40"
    await reconcile(world)
    assert world.resource is not None
    assert world.resource["status"]["epoch"] == 41


async def test_an_invalid_resource_is_told_and_its_children_stay() -> None:
    world = cluster(2, at(0, 5))
    assert world.resource is not None
    world.resource["spec"]["replicas"] = -1
    await reconcile(world)
    await reconcile(world)
    assert world.log == ["status"]
    found = {item["type"]: item for item in world.resource["status"]["conditions"]}
    assert found["Accepted"]["status"] == "False"
    assert "spec.replicas" in found["Accepted"]["message"]


async def test_a_resource_that_is_gone_or_going_ends_its_task() -> None:
    world = MemoryCluster(resource=None)
    reconciler = Reconciler(world, NoMetrics(), FixedClock())
    assert await reconciler.reconcile(KEY, Memory(), woken=True) is None
    world.resource = body()
    world.resource["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert await reconciler.reconcile(KEY, Memory(), woken=True) is None
    assert world.log == []


async def test_what_the_process_knew_is_not_needed() -> None:
    world = cluster(2, at(0, 5, judge=judge.encode(judged(0.5))))
    await reconcile(world)
    assert users(world) == CUT
    assert users(world)[RELEASE_LABEL] != NO_RELEASE


async def test_an_api_server_that_is_away_is_an_error_not_a_decision() -> None:
    world = cluster(2, at(0, 5))
    world.refusals["status"] = UnavailableError("no answer")
    with pytest.raises(UnavailableError):
        await reconcile(world, FAILING)
    assert world.log == []
