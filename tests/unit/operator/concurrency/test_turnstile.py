"""Who comes through a turnstile, in which order, and that no place is ever lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from spark_operator.concurrency.turnstile import Turnstile, Waiter

URGENT, USUAL, REST = range(3)


class Crowd:
    """Pieces of work that stay inside until they are told to go."""

    def __init__(self, *limits: int) -> None:
        self.turnstile = Turnstile(limits)
        self.came: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._go: dict[str, asyncio.Event] = {}

    def comes(self, name: str, rank: int, group: str = "") -> None:
        self._go[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._pass(name, rank, group))

    async def _pass(self, name: str, rank: int, group: str) -> None:
        async with self.turnstile.through(rank, group):
            self.came.append(name)
            await self._go[name].wait()

    async def goes(self, name: str) -> None:
        self._go[name].set()
        await self.tasks[name]
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_the_limit_are_inside() -> None:
    crowd = Crowd(2)
    for name in "abc":
        crowd.comes(name, 0)
    await settled()
    assert crowd.came == ["a", "b"]
    await crowd.goes("a")
    assert crowd.came == ["a", "b", "c"]
    assert (crowd.turnstile.inside, crowd.turnstile.waiting(0)) == (2, 0)


async def test_the_most_urgent_goes_first_whenever_it_came() -> None:
    crowd = Crowd(1, 1, 1)
    crowd.comes("inside", REST)
    await settled()
    for name, rank in (("rest", REST), ("usual", USUAL), ("urgent", URGENT)):
        crowd.comes(name, rank)
    await settled()
    for name in ("inside", "urgent", "usual"):
        await crowd.goes(name)
    assert crowd.came == ["inside", "urgent", "usual", "rest"]


async def test_what_is_urgent_finds_a_place_though_the_rest_hangs() -> None:
    crowd = Crowd(3, 2, 1)
    for name in ("hangs", "waits"):
        crowd.comes(name, REST)
    await settled()
    crowd.comes("urgent", URGENT)
    await settled()
    assert crowd.came == ["hangs", "urgent"]


async def test_a_group_with_much_work_does_not_keep_another_waiting() -> None:
    crowd = Crowd(1)
    for number in range(50):
        crowd.comes(f"many-{number}", 0, "many")
    await settled()
    crowd.comes("few-0", 0, "few")
    await settled()
    await crowd.goes("many-0")
    await crowd.goes("many-1")
    assert "few-0" in crowd.came


async def test_one_that_waits_may_become_urgent() -> None:
    turnstile = Turnstile((1, 1))
    inside, late, hurried = (Waiter(1, "") for _ in range(3))
    await turnstile.enter(inside)
    came: list[str] = []

    async def enter(name: str, waiter: Waiter) -> None:
        await turnstile.enter(waiter)
        came.append(name)

    tasks = [asyncio.create_task(enter("late", late))]
    await settled()
    tasks.append(asyncio.create_task(enter("hurried", hurried)))
    await settled()
    turnstile.hurry(hurried, 0)
    assert (turnstile.waiting(0), turnstile.waiting(1)) == (1, 1)
    turnstile.leave()
    await settled()
    assert came == ["hurried"]
    turnstile.leave()
    await asyncio.gather(*tasks)
    assert (turnstile.inside, turnstile.waiting(0), turnstile.waiting(1)) == (1, 0, 0)


async def test_one_that_is_inside_is_not_hurried() -> None:
    turnstile = Turnstile((1, 1))
    waiter = Waiter(1, "")
    await turnstile.enter(waiter)
    turnstile.hurry(waiter, 0)
    assert (turnstile.inside, turnstile.waiting(0)) == (1, 0)


async def test_who_is_cancelled_in_front_of_it_leaves_no_gap() -> None:
    crowd = Crowd(1)
    for name in "abc":
        crowd.comes(name, 0)
    await settled()
    crowd.tasks["b"].cancel()
    await settled()
    assert crowd.turnstile.waiting(0) == 1
    await crowd.goes("a")
    assert crowd.came == ["a", "c"]
    await crowd.goes("c")
    assert crowd.turnstile.inside == 0


async def test_who_is_cancelled_when_just_called_gives_the_place_back() -> None:
    crowd = Crowd(1)
    crowd.comes("a", 0)
    crowd.comes("b", 0)
    crowd.comes("c", 0)
    await settled()
    crowd.turnstile.leave()
    crowd.tasks["b"].cancel()
    await settled()
    assert crowd.came == ["a", "c"]


@pytest.mark.parametrize("seed", range(20))
async def test_no_place_is_lost_whatever_happens(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    crowd = Crowd(6, 4, 2)
    for number in range(200):
        crowd.comes(str(number), chance.randrange(3), chance.choice("xyz"))
        if chance.random() < 0.3:
            crowd.tasks[str(chance.randrange(number + 1))].cancel()
        if crowd.came and chance.random() < 0.5:
            crowd._go[chance.choice(crowd.came)].set()
        if chance.random() < 0.5:
            await settled()
            assert 0 <= crowd.turnstile.inside <= 6
    for event in crowd._go.values():
        event.set()
    await asyncio.gather(*crowd.tasks.values(), return_exceptions=True)
    assert crowd.turnstile.inside == 0
    assert [crowd.turnstile.waiting(rank) for rank in range(3)] == [0, 0, 0]
