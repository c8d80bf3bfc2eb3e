"""Pages over real connections: kept ones, and whose fault it is when none comes."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from spark_operator.adapters.metrics import scraper as module
from spark_operator.adapters.metrics.scraper import (
    NotAskedError,
    Scraper,
    UnreachableError,
    scraper,
)
from spark_operator.concurrency.lag import LoopLag

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT = 1000


class Pod:
    """Counts its connections, and answers when it is let."""

    def __init__(self) -> None:
        self.peers: set[tuple[str, int]] = set()
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        self.asked.set()
        await self.answers.wait()
        return web.Response(text="page\n")

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_get("/page", self.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/page"
        self.answers.set()
        await runner.cleanup()


async def page(reader: Scraper, url: str, seconds: float = 5.0) -> bytes:
    return await reader.page(url, seconds=seconds, limit=LIMIT)


async def test_a_connection_is_kept_from_look_to_look() -> None:
    pod = Pod()
    async with pod.served() as url, scraper() as reader:
        for _ in range(5):
            assert await page(reader, url) == b"page\n"
    assert len(pod.peers) == 1


async def test_a_pod_that_says_nothing_is_to_blame() -> None:
    pod = Pod()
    pod.answers.clear()
    lag = LoopLag()
    async with pod.served() as url, lag.measured(), scraper(lag) as reader:
        with pytest.raises(TimeoutError):
            await page(reader, url, seconds=0.3)


async def test_a_loop_that_stood_still_is_to_blame_itself() -> None:
    """As under a load of our own: the answer was there, and nobody read it in time."""
    pod = Pod()
    pod.answers.clear()
    lag = LoopLag()
    async with pod.served() as url, lag.measured(), scraper(lag) as reader:
        reading = asyncio.create_task(page(reader, url, seconds=0.5))
        await pod.asked.wait()
        time.sleep(0.6)  # noqa: ASYNC251 - the loop shall stand still
        with pytest.raises(NotAskedError):
            await reading


async def test_whoever_finds_no_place_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)
    pod = Pod()
    pod.answers.clear()
    async with pod.served() as url, scraper() as reader:
        first = asyncio.create_task(page(reader, url))
        await pod.asked.wait()
        with pytest.raises(NotAskedError):
            await page(reader, url, seconds=0.1)
        pod.answers.set()
        assert await first == b"page\n"


async def test_a_pod_that_is_not_there() -> None:
    async with scraper() as reader:
        with pytest.raises(UnreachableError):
            await page(reader, "http://127.0.0.1:1/page")


async def test_lateness_is_measured_and_told() -> None:
    told: list[float] = []
    lag = LoopLag(told.append, every=0.01)
    async with lag.measured():
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.05)
        time.sleep(0.2)  # noqa: ASYNC251 - the loop shall stand still
        assert lag.since(began) > 0.1
        await asyncio.sleep(0.02)
        assert lag.since(began) > 0.1
        assert lag.since(asyncio.get_running_loop().time()) < 0.1
    assert max(told) > 0.1
