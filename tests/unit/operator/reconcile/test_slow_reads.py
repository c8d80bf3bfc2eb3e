"""A slow API server does not delay the looks at a release on trial, and nothing is missed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.ports.cluster import Key, UnavailableError
from spark_operator.reconcile.gather import Gatherer
from spark_operator.reconcile.memory import Memory
from tests.unit.operator.core.builders import body
from tests.unit.operator.reconcile.cluster import FixedClock, NoMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = Key("production", "spark")
SECONDS = 5.0


class SlowCluster:
    """Reads that are answered when a test says so, each with its number as the version."""

    def __init__(self) -> None:
        self.reads: list[asyncio.Future[Snapshot]] = []

    async def read(self, _: Key) -> Snapshot:
        self.reads.append(asyncio.get_running_loop().create_future())
        return await self.reads[-1]

    def answer(self, number: int) -> None:
        self.reads[number].set_result(snapshot(number))


def snapshot(number: int) -> Snapshot:
    found = body(1)
    return Snapshot(found | {"metadata": found["metadata"] | {"resourceVersion": str(number)}})


def version(memory: Memory) -> str:
    assert memory.snapshot is not None
    return str(memory.snapshot.resource["metadata"]["resourceVersion"])


def made() -> tuple[SlowCluster, FixedClock, Callable[..., asyncio.Task[Memory]], Memory]:
    cluster, clock = SlowCluster(), FixedClock()
    gatherer = Gatherer(
        cluster,  # type: ignore[arg-type]
        NoMetrics(),
        clock,
        notifications=None,
        alerts=None,
        series=None,
        secrets=None,
        vitals=None,
    )

    def read(memory: Memory, *, woken: bool = False) -> asyncio.Task[Memory]:
        return asyncio.create_task(gatherer.read(KEY, memory, woken=woken))

    known = Memory(snapshot=snapshot(-1), read_at=clock.at, watch=True)
    return cluster, clock, read, known


async def test_a_look_goes_on_with_what_is_known_and_the_next_takes_what_came() -> None:
    cluster, clock, read, memory = made()
    async with asyncio.timeout(SECONDS):
        memory = await read(memory, woken=True)
        assert version(memory) == "-1"
        clock.at += 1.0
        memory = await read(memory)
        assert version(memory) == "-1"
        cluster.answer(0)
        clock.at += 1.0
        memory = await read(memory)
    assert version(memory) == "0"
    assert memory.read_at == clock.at - 2.0, "as old as its asking"
    assert len(cluster.reads) == 1


async def test_what_woke_after_the_asking_is_asked_for_again() -> None:
    cluster, clock, read, memory = made()
    async with asyncio.timeout(SECONDS):
        memory = await read(memory, woken=True)
        memory = await read(memory, woken=True)
        cluster.answer(0)
        clock.at += 1.0
        memory = await read(memory)
        assert version(memory) == "0"
        await asyncio.sleep(0)
        assert len(cluster.reads) == 2
        cluster.answer(1)
        clock.at += 1.0
        memory = await read(memory)
    assert version(memory) == "1"


async def test_what_is_known_does_not_serve_for_ever() -> None:
    cluster, clock, read, memory = made()
    async with asyncio.timeout(SECONDS):
        memory = await read(memory, woken=True)
        clock.at += 10.0
        waiting = read(memory)
        await asyncio.sleep(0)
        assert not waiting.done()
        cluster.answer(0)
        assert version(await waiting) == "0"


@pytest.mark.parametrize("known", [Memory(), Memory(snapshot=snapshot(-1), watch=False)])
async def test_where_nothing_is_on_trial_a_reconcile_waits(known: Memory) -> None:
    cluster, _, read, _ = made()
    waiting = read(known, woken=True)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    cluster.answer(0)
    assert version(await waiting) == "0"


async def test_what_was_read_before_something_woke_is_not_decided_on() -> None:
    """The trial has ended meanwhile, and nobody took the last read."""
    cluster, clock, read, memory = made()
    async with asyncio.timeout(SECONDS):
        memory = await read(memory, woken=True)
        cluster.answer(0)
        await asyncio.sleep(0)
        clock.at += 1000.0
        rested = Memory(snapshot=memory.snapshot, read_at=memory.read_at)
        for known in (rested, memory):
            waiting = read(known, woken=True)
            await asyncio.sleep(0.01)
            assert not waiting.done()
            cluster.answer(len(cluster.reads) - 1)
            assert version(await waiting) == str(len(cluster.reads) - 1)


async def test_a_read_that_a_trial_left_is_made_anew_at_rest() -> None:
    cluster, _, read, memory = made()
    async with asyncio.timeout(SECONDS):
        memory = await read(memory, woken=True)
        waiting = read(Memory(snapshot=memory.snapshot, read_at=memory.read_at))
        await asyncio.sleep(0.01)
        cluster.answer(1)
        assert version(await waiting) == "1"
    assert cluster.reads[0].cancelled()


async def test_an_api_server_that_fails_meanwhile_is_told_at_the_next_look() -> None:
    cluster, clock, read, memory = made()
    async with asyncio.timeout(SECONDS):
        memory = await read(memory, woken=True)
        cluster.reads[0].set_exception(UnavailableError("away"))
        clock.at += 1.0
        with pytest.raises(UnavailableError):
            await read(memory)


async def test_a_reconcile_that_is_cancelled_leaves_no_read_behind() -> None:
    cluster, _, read, _ = made()
    waiting = read(Memory(), woken=True)
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert cluster.reads[0].cancelled()
