"""What a resource at rest keeps, and that nothing is written from what was not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.ports.cluster import Key
from spark_operator.reconcile.gather import RESYNC_SECONDS, resync
from spark_operator.reconcile.memory import Memory
from spark_operator.reconcile.reconciler import Reconciler
from tests.unit.operator.core.builders import status
from tests.unit.operator.reconcile.cluster import FixedClock, NoMetrics
from tests.unit.operator.reconcile.test_reconciler import cluster
from tests.unit.operator.reconcile.test_vitals import Pages

if TYPE_CHECKING:
    from tests.unit.operator.reconcile.cluster import MemoryCluster

KEY = Key("production", "spark")


async def settled(reconciler: Reconciler) -> Memory:
    memory = Memory()
    for _ in range(4):
        result = await reconciler.reconcile(KEY, memory, woken=False)
        assert result is not None
        memory = result.memory
    return memory


def made() -> tuple[MemoryCluster, FixedClock, Pages, Reconciler]:
    world, clock, pages = cluster(1, status("Stable")), FixedClock(), Pages()
    return world, clock, pages, Reconciler(world, NoMetrics(), clock, vitals=pages)


async def test_at_rest_only_the_resource_is_kept_and_what_was_seen() -> None:
    _, _, _, reconciler = made()
    memory = await settled(reconciler)
    assert memory.snapshot is not None
    assert (memory.snapshot.children, memory.snapshot.pods) == ((), ())
    assert memory.seen is not None
    assert memory.seen.workloads


async def test_under_way_all_is_kept() -> None:
    world = cluster(2, status("Progressing", candidate=2, weight=25, step=1))
    memory = await settled(Reconciler(world, NoMetrics(), FixedClock()))
    assert not memory.is_compact


async def test_a_decision_at_rest_is_made_on_what_is_there_and_leaves_the_children() -> None:
    """Or a diagnosis that is written would apply every child anew, as if none were there."""
    world, clock, _, reconciler = made()
    memory = await settled(reconciler)
    assert memory.is_compact
    children, before = dict(world.children), status("Stable").to_dict()
    for _ in range(4):
        clock.at += 30
        result = await reconciler.reconcile(KEY, memory, woken=False)
        assert result is not None
        memory = result.memory
    assert world.resource is not None
    assert world.resource["status"] != before
    assert world.resource["status"]["diagnosis"]
    assert world.children == children


async def test_only_what_rests_is_read_once_an_hour() -> None:
    """A wake that is lost may not hold a rollout for an hour."""
    _, _, _, reconciler = made()
    world = cluster(2, status("Progressing", candidate=2, weight=25, step=1))
    trial = await settled(Reconciler(world, NoMetrics(), FixedClock()))
    assert resync(await settled(reconciler), 3600.0) == 3600.0
    assert resync(trial, 3600.0) == RESYNC_SECONDS
    assert resync(Memory(), 3600.0) == RESYNC_SECONDS
