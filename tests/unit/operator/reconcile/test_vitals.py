"""How often pods are looked at for the diagnosis, how many of them, and what that costs the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.observe.vitals import Measure
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.memory import Memory
from spark_operator.reconcile.reconciler import Reconciler
from spark_operator.reconcile.vitals import MOST_PODS, Examiner
from tests.unit.operator.core.builders import resource, seen, status, workload
from tests.unit.operator.reconcile.cluster import FixedClock, MemoryCluster, NoMetrics
from tests.unit.operator.reconcile.test_reconciler import cluster

if TYPE_CHECKING:
    from spark_operator.ports.metrics import Target

KEY = Key("production", "spark")


class Pages:
    """Pods that tell how often they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Target, ...]] = []

    async def examine(self, targets: tuple[Target, ...]) -> dict[str, tuple[Measure, ...] | None]:
        self.asked.append(targets)
        failed = 50.0 * len(self.asked)
        labels = {"status_class": "5xx", "origin": "app", "attempt": "first"}
        return {item.uid: (Measure("api_generate_total", labels, failed),) for item in targets}


def at_rest() -> tuple[MemoryCluster, Pages, FixedClock, Reconciler]:
    world, pages, clock = cluster(1, status("Stable")), Pages(), FixedClock()
    return world, pages, clock, Reconciler(world, NoMetrics(), clock, vitals=pages)


async def test_at_rest_pods_are_looked_at_every_half_minute_and_the_symptom_is_written() -> None:
    world, pages, clock, reconciler = at_rest()
    memory = Memory()
    for _ in range(3):
        result = await reconciler.reconcile(KEY, memory, woken=False)
        assert result is not None
        memory = result.memory
        assert result.next_due == clock.now() + 30
        assert (await reconciler.reconcile(KEY, memory, woken=False)) is not None
        clock.at += 30
    assert len(pages.asked) == 3
    assert world.resource is not None
    found = world.resource["status"]["diagnosis"]
    assert found[0]["symptom"] == "HighErrorRates"
    assert world.resource["status"]["conditions"]


async def test_looking_at_pods_does_not_read_the_api() -> None:
    world, pages, clock, reconciler = at_rest()
    memory, ages = Memory(), list[float]()
    for _ in range(10):
        result = await reconciler.reconcile(KEY, memory, woken=False)
        assert result is not None
        memory = result.memory
        ages.append(clock.now() - memory.read_at)
        clock.at += 30.0
    assert len(pages.asked) == 10
    assert max(ages) >= 150, "a snapshot serves at rest until something wakes"
    del world


async def test_of_many_pods_few_are_looked_at_and_some_of_each_release() -> None:
    pages = Pages()
    examiner = Examiner(pages, FixedClock())
    given = resource(2, status("Progressing", candidate=2, weight=25, step=1))
    world = seen(workload(1, 50), workload(2, 3))
    await examiner.rounds(KEY, given, world)
    uids = {item.uid for item in pages.asked[0]}
    assert len(uids) == MOST_PODS
    assert {"2-0", "2-1", "2-2"} < uids


async def test_a_resource_without_pods_is_not_waited_for() -> None:
    pages = Pages()
    examiner = Examiner(pages, FixedClock())
    assert await examiner.rounds(KEY, resource(1, status("Stable")), seen()) == ()
    assert examiner.wakes(KEY) == float("inf")
    assert pages.asked == []
