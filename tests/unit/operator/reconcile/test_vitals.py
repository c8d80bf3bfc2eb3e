"""How often pods are looked at for the diagnosis, how many of them, and what that costs the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.observe.vitals import Measure
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.memory import Memory
from spark_operator.reconcile.reconciler import Reconciler
from spark_operator.reconcile.vitals import EVERY_SECONDS, MOST_PER_SECOND, MOST_PODS, Examiner
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


async def look(examiner: Examiner, clock: FixedClock, count: int, seconds: float) -> list[float]:
    """Reconcile many resources at rest whenever they are due: when the first of them was asked."""
    given, world, asked = resource(1, status("Stable")), seen(workload(1, 1)), list[float]()
    keys = [Key("production", str(number)) for number in range(count)]
    end = clock.at + seconds
    for key in keys:
        await examiner.rounds(key, given, world)
    while (now := min(map(examiner.wakes, keys))) < end:
        clock.at = now
        for key in keys:
            if examiner.wakes(key) <= now:
                await examiner.rounds(key, given, world)
                if key == keys[0]:
                    asked.append(now)
    return asked


async def test_few_resources_are_looked_at_as_often_as_one() -> None:
    clock = FixedClock()
    asked = await look(Examiner(Pages(), clock), clock, 50, 300.0)
    assert len(asked) >= 9


async def test_however_many_there_are_no_more_are_looked_at_in_a_second() -> None:
    clock, pages = FixedClock(), Pages()
    asked = await look(Examiner(pages, clock), clock, 900, 1000.0)
    assert len(pages.asked) <= 1000 * MOST_PER_SECOND + 1
    assert len(asked) >= 2, "each is looked at, if more rarely"


async def test_one_on_trial_does_not_wait_for_those_at_rest() -> None:
    clock, pages = FixedClock(), Pages()
    examiner = Examiner(pages, clock)
    await look(examiner, clock, 900, 0.0)
    given = resource(2, status("Progressing", candidate=2, weight=25, step=1))
    world = seen(workload(1, 1), workload(2, 1))
    before = len(pages.asked)
    await examiner.rounds(KEY, given, world, is_watched=True)
    assert len(pages.asked) == before + 1
    clock.at += EVERY_SECONDS
    await examiner.rounds(KEY, given, world, is_watched=True)
    assert len(pages.asked) == before + 2
