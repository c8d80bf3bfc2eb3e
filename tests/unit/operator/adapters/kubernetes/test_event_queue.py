"""Events beside the turns: none waits for one, none is lost while there is room."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.adapters.kubernetes import event_queue
from spark_operator.adapters.kubernetes.event_queue import EventQueue
from spark_operator.ports.cluster import RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from spark_operator.core.model.objects import Manifest

SECONDS = 5.0


def event(name: str, at: str = "1") -> dict[str, Any]:
    meta = {"namespace": "production", "name": name}
    return {"metadata": meta, "count": 1, "firstTimestamp": at, "lastTimestamp": at}


class Server:
    """Takes events while it is there."""

    def __init__(self) -> None:
        self.there = asyncio.Event()
        self.there.set()
        self.fails: list[Exception] = []
        self.written: list[Manifest] = []
        self.said: list[str] = []
        self._changed = asyncio.Condition()

    async def write(self, wanted: Manifest) -> None:
        await self.there.wait()
        if self.fails:
            raise self.fails.pop(0)
        async with self._changed:
            self.written.append(wanted)
            self._changed.notify_all()

    async def has(self, count: int) -> None:
        async with asyncio.timeout(SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.written) >= count)

    @asynccontextmanager
    async def queue(self, most: int = 100) -> AsyncIterator[EventQueue]:
        made = EventQueue(self.write, self.said.append, most=most)
        await made.start()
        yield made
        self.there.set()
        await made.stop()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "FIRST_DELAY", 0.01)


async def test_nobody_waits_for_a_server_that_hangs_and_nothing_is_lost() -> None:
    server = Server()
    async with server.queue() as queue:
        server.there.clear()
        async with asyncio.timeout(SECONDS):
            for number in range(50):
                await queue.put(event(str(number)))
        assert server.written == []
        server.there.set()
        await server.has(50)
    assert {it["metadata"]["name"] for it in server.written} == {str(n) for n in range(50)}


async def test_an_event_told_again_while_it_waits_is_one_with_a_count() -> None:
    server = Server()
    async with server.queue() as queue:
        server.there.clear()
        for number in range(10):
            await queue.put(event(f"first-{number}"))
        await asyncio.sleep(0)
        for at in "123":
            await queue.put(event("same", at))
        server.there.set()
        await server.has(11)
    (same,) = [it for it in server.written if it["metadata"]["name"] == "same"]
    assert (same["count"], same["firstTimestamp"], same["lastTimestamp"]) == (3, "1", "3")


async def test_an_api_server_that_is_away_is_tried_again() -> None:
    server = Server()
    server.fails = [UnavailableError("away"), UnavailableError("away")]
    async with server.queue() as queue:
        await queue.put(event("one"))
        await server.has(1)
    assert server.said == ["written"]


@pytest.mark.parametrize("error", [RefusedError("no"), RuntimeError("a bug")])
async def test_what_is_refused_stops_nothing(error: Exception) -> None:
    server = Server()
    server.fails = [error]
    async with server.queue() as queue:
        await queue.put(event("refused"))
        await queue.put(event("fine"))
        await server.has(1)
    assert sorted(server.said) == ["refused", "written"]


async def test_what_finds_no_room_is_counted() -> None:
    server = Server()
    async with server.queue(most=2) as queue:
        server.there.clear()
        for number in range(2 + event_queue.TELLERS):
            await queue.put(event(str(number)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await queue.put(event("too many"))
        assert server.said == ["dropped"]
        assert len(queue) == 2


async def test_a_stop_writes_what_waits() -> None:
    server = Server()
    async with server.queue() as queue:
        for number in range(20):
            await queue.put(event(str(number)))
    assert len(server.written) == 20


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "STOP_SECONDS", 0.01)
    server = Server()
    queue = EventQueue(server.write)
    await queue.start()
    server.there.clear()
    await queue.put(event("one"))
    async with asyncio.timeout(SECONDS):
        await queue.stop()
