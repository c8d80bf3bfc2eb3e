"""Many resources at once: who is first, how many side by side, and what is not counted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.ports.cluster import Key
from spark_operator.reconcile.memory import Memory, ReconcileResult
from spark_operator.reconcile.urgency import AT_ONCE, Urgency, of_phase, of_resource
from spark_operator.reconcile.worker import Workers, spread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FAR = 1e9
SECONDS = 5.0


class LoopClock:
    """The event loop's clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class Slow:
    """A reconciler whose every reconcile waits until it is let go."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.inside = 0
        self.most = 0
        self.go = asyncio.Semaphore(0)

    async def reconcile(self, key: Key, memory: Memory, *, woken: bool) -> ReconcileResult:
        del memory, woken
        self.began.append(key.name)
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.go.acquire()
        self.inside -= 1
        return ReconcileResult(LoopClock().now() + FAR, Memory())

    async def has_begun(self, count: int) -> None:
        async with asyncio.timeout(SECONDS):
            while len(self.began) < count:  # noqa: ASYNC110 - the loop has nothing else to do
                await asyncio.sleep(0)

    def lets(self, count: int) -> None:
        for _ in range(count):
            self.go.release()


@asynccontextmanager
async def working() -> AsyncIterator[tuple[Slow, Workers, list[tuple[Urgency, float]]]]:
    slow, waits = Slow(), list[tuple[Urgency, float]]()
    workers = Workers(
        slow,  # type: ignore[arg-type]
        LoopClock(),
        lambda *_: None,
        lambda urgency, seconds: waits.append((urgency, seconds)),
    )
    yield slow, workers, waits
    await workers.stop()


def key(name: object, namespace: str = "production") -> Key:
    return Key(namespace, str(name))


async def test_a_start_with_many_resources_reads_a_few_at_once() -> None:
    async with working() as (slow, workers, _):
        for number in range(200):
            workers.wake(key(number))
        await slow.has_begun(AT_ONCE[Urgency.AT_REST])
        await asyncio.sleep(0)
        assert workers.waiting(Urgency.AT_REST) == 200 - AT_ONCE[Urgency.AT_REST]
        slow.lets(200)
        await slow.has_begun(200)
        assert slow.most == AT_ONCE[Urgency.AT_REST]


async def test_traffic_on_trial_comes_before_all_that_is_at_rest() -> None:
    async with working() as (slow, workers, _):
        for number in range(100):
            workers.wake(key(number))
        await slow.has_begun(AT_ONCE[Urgency.AT_REST])
        workers.wake(key("trial"), Urgency.TRAFFIC)
        await slow.has_begun(AT_ONCE[Urgency.AT_REST] + 1)
        assert slow.began[-1] == "trial"


async def test_one_that_waits_at_rest_is_hurried_by_an_alert() -> None:
    async with working() as (slow, workers, _):
        for number in range(100):
            workers.wake(key(number))
        await slow.has_begun(AT_ONCE[Urgency.AT_REST])
        workers.wake(key(99), Urgency.TRAFFIC)
        await slow.has_begun(AT_ONCE[Urgency.AT_REST] + 1)
        assert slow.began[-1] == "99"


async def test_a_namespace_with_many_does_not_keep_another_waiting() -> None:
    async with working() as (slow, workers, _):
        for number in range(500):
            workers.wake(key(number, "many"))
        await slow.has_begun(AT_ONCE[Urgency.AT_REST])
        workers.wake(key("few", "few"))
        await asyncio.sleep(0)
        slow.lets(2)
        await slow.has_begun(AT_ONCE[Urgency.AT_REST] + 2)
        assert "few" in slow.began[-2:]


async def test_waiting_for_a_place_is_no_part_of_a_reconcile_s_age() -> None:
    """Or a long line would end the process by its liveness probe, and begin anew."""
    async with working() as (slow, workers, waits):
        for number in range(50):
            workers.wake(key(number))
        await slow.has_begun(AT_ONCE[Urgency.AT_REST])
        began = LoopClock().now()
        await asyncio.sleep(0.1)
        slow.lets(50)
        await slow.has_begun(50)
        await asyncio.sleep(0)
        assert max(seconds for _, seconds in waits) >= 0.09
        assert workers.longest_reconcile() < LoopClock().now() - began + 0.05


async def test_what_happens_while_it_waits_is_seen_by_the_same_reconcile() -> None:
    async with working() as (slow, workers, _):
        for number in range(20):
            workers.wake(key(number))
        await slow.has_begun(AT_ONCE[Urgency.AT_REST])
        for _ in range(30):
            workers.wake(key(19))
            await asyncio.sleep(0)
        slow.lets(100)
        await slow.has_begun(20)
        await asyncio.sleep(0.3)
        assert slow.began.count("19") == 1


def test_what_is_regular_comes_apart() -> None:
    found = [spread(key(number)) for number in range(1000)]
    assert 0.5 <= min(found) < 0.51
    assert 0.99 < max(found) <= 1.0
    assert len(set(found)) > 990


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ({}, Urgency.UNDER_WAY),
        ({"phase": "Progressing", "observedGeneration": 1}, Urgency.TRAFFIC),
        ({"phase": "RollingBack", "observedGeneration": 1}, Urgency.TRAFFIC),
        ({"phase": "Guarding", "observedGeneration": 1}, Urgency.TRAFFIC),
        ({"phase": "Migrating", "observedGeneration": 1}, Urgency.UNDER_WAY),
        ({"phase": "Stable", "observedGeneration": 1}, Urgency.AT_REST),
        ({"phase": "RolledBack", "observedGeneration": 1}, Urgency.AT_REST),
        ({"phase": "Stable", "observedGeneration": 0}, Urgency.UNDER_WAY),
        ({"phase": "Progressing", "observedGeneration": 0}, Urgency.TRAFFIC),
    ],
)
def test_how_urgent_a_resource_is(status: dict[str, Any], wanted: Urgency) -> None:
    assert of_resource({"metadata": {"generation": 1}, "status": status}) is wanted


def test_a_phase_that_nobody_knows_is_under_way() -> None:
    assert of_phase("") is of_phase("Newer") is Urgency.UNDER_WAY
    assert of_resource({"metadata": {"generation": 1}, "status": "?"}) is Urgency.UNDER_WAY
