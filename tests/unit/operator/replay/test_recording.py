"""A recording goes on while the API server does not answer, and can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_operator.core.judge import Counters
from spark_operator.core.model.labels import RELEASE_LABEL
from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.ports.cluster import ClusterError, Key
from spark_operator.ports.metrics import Reading, Target
from spark_operator.replay import frames, write
from spark_operator.replay.recording import Known, on_trial, readings
from tests.unit.operator.core import builders
from tests.unit.operator.reconcile.cluster import MemoryCluster

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.model.objects import Manifest

KEY = Key("production", "spark")


class Flaky(MemoryCluster):
    """Answers as long as it is not away."""

    away = False

    async def read(self, key: Key) -> Snapshot | None:
        if self.away:
            raise ClusterError(f"{key}: no answer")
        return await super().read(key)


async def test_what_was_known_stands_in_for_an_answer_that_does_not_come() -> None:
    cluster = Flaky()
    known = Known(cluster, KEY)
    assert await known.look()
    before, cluster.away = known.snapshot, True
    assert await known.look()
    assert known.snapshot is before


async def test_a_resource_that_is_gone_is_gone() -> None:
    cluster = Flaky()
    known = Known(cluster, KEY)
    assert await known.look()
    cluster.resource = None
    assert not await known.look()
    await known.keep_looking()


async def test_without_a_first_answer_there_is_nothing_to_record() -> None:
    cluster = Flaky()
    cluster.away = True
    with pytest.raises(ClusterError):
        await Known(cluster, KEY).look()


ZERO = builders.NOW


class AsTheyAnswer:
    """Every pod answers at its own time, and some do not."""

    def __init__(self, answers: dict[str, float]) -> None:
        self._answers = answers

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        assert {target.ip for target in targets} == {f"10.0.0.{target.uid}" for target in targets}
        return {
            target.uid: Reading(
                ZERO + self._answers.get(target.uid, 0.0),
                Counters(requests=5.0) if target.uid in self._answers else None,
            )
            for target in targets
        }


def pod(uid: int, version: int, ip: str | None = None) -> Manifest:
    return {
        "metadata": {
            "name": f"pod-{uid}",
            "uid": f"{uid}",
            "labels": {RELEASE_LABEL: builders.name(version)},
        },
        "status": {"podIP": f"10.0.0.{uid}" if ip is None else ip},
    }


def live(*pods: Manifest) -> Snapshot:
    """Release 2 on trial beside release 1."""
    return _with(builders.status("Progressing", stable=1, candidate=2, step=1), *pods)


def _with(status: SparkDeploymentStatus, *pods: Manifest) -> Snapshot:
    said = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Snapshot({**builders.body(2), "status": said}, (), pods)


async def test_readings_are_in_the_order_of_time_whoever_answers_first() -> None:
    snapshot = live(pod(1, 1), pod(2, 1), pod(3, 2))
    metrics = AsTheyAnswer({"1": 0.5, "2": 0.2, "3": 0.4})
    found = await readings(snapshot, metrics, ZERO, on_trial(snapshot))
    assert [(round(it.at, 3), it.pod, it.role) for it in found] == [
        (0.2, "pod-2", "stable"),
        (0.4, "pod-3", "candidate"),
        (0.5, "pod-1", "stable"),
    ]
    at_first, then = frames(write(reading) for reading in found)
    assert [it.pod for it in (*at_first.readings, *then.readings)] == [it.pod for it in found]


async def test_pods_that_do_not_answer_or_belong_to_neither_release_are_left_out() -> None:
    snapshot = live(pod(1, 1), pod(2, 1), pod(3, 3), pod(4, 2, ip=""))
    found = await readings(snapshot, AsTheyAnswer({"1": 0.5, "3": 0.1, "4": 0.1}), ZERO)
    assert [it.pod for it in found] == ["pod-1"]


async def test_a_reading_from_before_the_beginning_is_at_the_beginning() -> None:
    found = await readings(live(pod(1, 1)), AsTheyAnswer({"1": -0.3}), ZERO)
    assert [it.at for it in found] == [0.0]


async def test_a_promoted_release_stays_the_candidate_of_its_recording() -> None:
    guarded = builders.status("Guarding", stable=2).model_copy(
        update={"previous": builders.status("Stable", stable=1).stable}
    )
    pods = (pod(1, 1), pod(2, 2))
    answers = AsTheyAnswer({"1": 0.1, "2": 0.2})
    tried = on_trial(live(*pods))
    assert tried == on_trial(_with(guarded, *pods)) == builders.name(2)
    settled = _with(builders.status("Stable", stable=2), *pods[1:])
    assert on_trial(settled) == ""
    for snapshot in (live(*pods), _with(guarded, *pods), settled):
        found = await readings(snapshot, answers, ZERO, tried)
        assert {it.role for it in found if it.pod == "pod-2"} == {"candidate"}
        assert {it.role for it in found if it.pod == "pod-1"} <= {"stable"}
