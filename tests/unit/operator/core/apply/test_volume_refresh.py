"""Which pods are told to look at their mounted files, and that a decision does tell them."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.api.fields import format_time, to_time
from spark_operator.core.apply.volume_refresh import touches
from spark_operator.core.model.labels import KEYS_ANNOTATION, LIVE_ANNOTATION, MANAGER
from spark_operator.core.model.objects import Ref
from spark_operator.core.observe.secret_metadata import SecretData, describe
from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.core.render.live import live_config_map
from spark_operator.ports.cluster import RefusedError, UnavailableError
from spark_operator.reconcile.memory import Memory
from spark_operator.reconcile.volume_refresh import AT_ONCE
from tests.unit.operator.core.builders import NOW, body, name, resource, status
from tests.unit.operator.reconcile.cluster import FixedClock
from tests.unit.operator.reconcile.test_reconciler import cluster, reconcile

USERS = {
    "anthropicAPIKey": {"name": "p", "key": "k"},
    "apiKeys": {"name": "users", "key": "list"},
}
CONFIG_MAP = Ref("ConfigMap", "spark-live")


def at(seconds: float) -> str:
    return format_time(to_time(NOW + seconds))


def config_map(changed: float = 0.0, created: float = -1000.0, **spec: Any) -> dict[str, Any]:
    made = live_config_map(resource(1, **spec))
    made["metadata"] |= {
        "creationTimestamp": at(created),
        "managedFields": [{"manager": MANAGER, "time": at(changed)}],
    }
    return made


def pod(number: int = 0, created: float = -500.0, *volumes: str, **told: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"pod-{number}",
            "uid": f"uid-{number}",
            "creationTimestamp": at(created),
            "labels": {"spark.dev/deployment": "spark", "spark.dev/release": name(1)},
            "annotations": {f"spark.dev/{key}": value for key, value in told.items()},
        },
        "spec": {"volumes": [{"name": item} for item in volumes or ("tmp", "live", "keys")]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def touched(
    *pods: dict[str, Any],
    children: tuple[dict[str, Any], ...] | None = None,
    **spec: Any,
) -> dict[str, set[str]]:
    given = resource(1, **spec)
    children = (config_map(**spec),) if children is None else children
    found = touches(given, Snapshot(body(1, **spec), children, pods), None)
    return {item.pod: {key for key, _ in item.annotations} for item in found}


def keys(changed: float, created: float = -1000.0) -> dict[str, SecretData]:
    entry = {"manager": "m", "operation": "Update", "time": at(changed)}
    fields: Any = {"fieldsV1": {"f:data": {"f:list": {}}}}
    meta = {"uid": "u", "creationTimestamp": at(created), "managedFields": [entry | fields]}
    return {"users": describe(meta)}


def test_pods_from_before_a_change_are_touched_and_younger_ones_are_not() -> None:
    assert touched(pod(0, -500), pod(1, 3), pod(2, 6)) == {
        "pod-0": {LIVE_ANNOTATION},
        "pod-1": {LIVE_ANNOTATION},
    }


def test_files_that_never_changed_touch_nobody() -> None:
    """Not even the pods that were made in the same second."""
    assert touched(pod(0, 0), children=(config_map(0, created=0),)) == {}


def test_a_pod_that_was_told_is_touched_again_only_for_another_content() -> None:
    snapshot = Snapshot(body(1), (config_map(),), (pod(),))
    ((_, value),) = touches(resource(1), snapshot, None)[0].annotations
    assert touched(pod(live=value)) == {}
    assert touched(pod(0, 100, live="other")) == {"pod-0": {LIVE_ANNOTATION}}


def test_nobody_is_told_before_the_files_are_stored() -> None:
    stored = config_map(revokedKeys=[])
    assert touched(pod(), children=(stored,), revokedKeys=["user-1"]) == {}
    assert touched(pod(), children=()) == {}


def test_pods_without_the_files_and_pods_on_their_way_out_are_left_alone() -> None:
    ending = pod(1)
    ending["metadata"]["deletionTimestamp"] = at(0)
    assert touched(pod(0, -500, "tmp"), ending) == {}


@pytest.mark.parametrize(("changed", "created", "expected"), [(0, -9, True), (0, 0, False)])
def test_users_keys_that_changed_touch_the_pods_that_mount_them(
    changed: float, created: float, expected: bool
) -> None:
    given = resource(1, secrets=USERS)
    quiet = (config_map(0, created=0, secrets=USERS),)
    pods = (pod(0), pod(1, -500, "live"), pod(2, 60))
    found = touches(given, Snapshot(body(1), quiet, pods), keys(changed, created))
    told = {item.pod: [key for key, _ in item.annotations] for item in found}
    assert told == ({"pod-0": [KEYS_ANNOTATION]} if expected else {})


async def test_a_turn_touches_a_few_pods_and_goes_on_until_all_have_heard() -> None:
    world = cluster(1, status("Stable"), revokedKeys=["user-1"])
    world.children[CONFIG_MAP]["metadata"] |= config_map()["metadata"]
    world.pods = [pod(number) for number in range(AT_ONCE + 4)]
    first = await reconcile(world)
    assert len(annotated(world)) == AT_ONCE
    assert first.next_due == NOW
    second = await reconcile(world, first.memory)
    assert len(annotated(world)) == AT_ONCE + 4
    third = await reconcile(world, second.memory)
    assert len(annotated(world)) == AT_ONCE + 4
    assert third.next_due is None


async def test_a_pod_that_cannot_be_touched_is_tried_again_and_holds_up_nothing() -> None:
    world = cluster(1, status("Stable"))
    world.children[CONFIG_MAP]["metadata"] |= config_map()["metadata"]
    world.pods = [pod(0), pod(1)]
    world.refusals["annotate Pod pod-0"] = UnavailableError("gone")
    decided = await reconcile(world, Memory())
    assert annotated(world) == ["annotate Pod pod-1"]
    assert decided.failure is None
    assert decided.next_due == NOW + 2


async def test_a_pod_that_admission_refuses_is_tried_again_after_a_minute() -> None:
    """The kubelet looks by itself within one; who refuses once will refuse each second."""
    world = cluster(1, status("Stable"), secrets=USERS)
    world.children[CONFIG_MAP] = config_map(secrets=USERS)
    world.pods = [pod(0)]
    world.refusals["annotate Pod pod-0"] = RefusedError("denied by a webhook")
    clock = FixedClock()
    decided = await reconcile(world, Memory(), clock=clock)
    assert decided.next_due == NOW + 60
    world.refusals.clear()
    clock.at += 59
    decided = await reconcile(world, decided.memory, clock=clock)
    assert annotated(world) == []
    assert decided.next_due == NOW + 60
    clock.at += 1
    await reconcile(world, decided.memory, clock=clock)
    assert annotated(world) == ["annotate Pod pod-0"]


def annotated(world: Any) -> list[str]:
    return [line for line in world.log if line.startswith("annotate")]
