"""Pods' pages over real connections: a slow or hostile pod costs its own reading only."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from spark_operator.adapters.metrics.pod_metrics import PodMetrics
from spark_operator.adapters.metrics.scraper import scraper
from spark_operator.core.observe.vitals import Measure
from spark_operator.ports.metrics import Reading, Target
from tests.unit.operator.core.builders import NOW
from tests.unit.operator.reconcile.cluster import FixedClock

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Answer], Awaitable[int]]
SECONDS, LIMIT = 1.0, 10_000
MANY = 800
BOMB = gzip.compress(b"#" * 5_000_000)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a pod's server that answers as it is told, on a free port."""
    runners: list[web.AppRunner] = []

    async def start(answer: Answer) -> int:
        application = web.Application()
        application.router.add_get("/api/metrics", answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return int(runner.addresses[0][1])

    yield start
    for runner in runners:
        await runner.cleanup()


async def read(*ports: int) -> dict[str, Reading]:
    async with scraper() as pages:
        metrics = PodMetrics(pages, FixedClock(), seconds=SECONDS, limit=LIMIT)
        return await metrics.read(
            tuple(Target(f"pod-{number}", "127.0.0.1", port) for number, port in enumerate(ports))
        )


async def good(_: web.Request) -> web.Response:
    return web.Response(text="spark_inflight_requests 3\n")


async def never(_: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.Response()


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(50):
        await response.write(b"#\n")
        await asyncio.sleep(0.1)
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(100):
        await response.write(b"#" * 1000)
    return response


async def failing(_: web.Request) -> web.Response:
    return web.Response(status=500, text="spark_inflight_requests 3\n")


async def elsewhere(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})


async def bomb(_: web.Request) -> web.Response:
    return web.Response(body=BOMB, headers={"Content-Encoding": "gzip"})


async def infinite(_: web.Request) -> web.Response:
    return web.Response(text='api_export_total{a="1"} +Inf\napi_export_total{a="2"} -Inf\n')


async def test_a_page_becomes_counters(serve: Serve) -> None:
    (found,) = (await read(await serve(good))).values()
    assert found.at == NOW
    assert found.counters is not None
    assert found.counters.inflight == 3.0


@pytest.mark.parametrize("bad", [never, drip, endless, failing, elsewhere, bomb, infinite])
async def test_one_bad_pod_costs_its_own_reading_only(serve: Serve, bad: Answer) -> None:
    began = time.monotonic()
    found = await read(await serve(bad), await serve(good))
    assert time.monotonic() - began < 5 * SECONDS
    assert found["pod-1"].counters is not None
    hurt = found["pod-0"].counters
    assert hurt is None or hurt.requests is None


async def test_a_pod_that_is_not_there(serve: Serve) -> None:
    port = await serve(good)
    async with scraper() as pages:
        metrics = PodMetrics(pages, FixedClock(), seconds=SECONDS, limit=LIMIT)
        found = await metrics.read((Target("a", "127.0.0.1", port), Target("b", "127.0.0.1", 1)))
    assert found["a"].counters is not None
    assert found["b"].counters is None


async def test_what_a_pod_says_for_a_diagnosis_and_what_a_silent_one_does_not(serve: Serve) -> None:
    async def telling(_: web.Request) -> web.Response:
        return web.Response(text='spark_database_pool{state="max"} 10\nspark_other 1\n')

    ports = (await serve(telling), await serve(never))
    targets = tuple(Target(f"pod-{n}", "127.0.0.1", port) for n, port in enumerate(ports))
    async with scraper() as pages:
        metrics = PodMetrics(pages, FixedClock(), seconds=SECONDS, limit=LIMIT)
        told = await metrics.examine(targets)
    assert told == {
        "pod-0": (Measure("spark_database_pool", {"state": "max"}, 10.0),),
        "pod-1": None,
    }


async def test_a_release_of_very_many_pods_is_read_within_one_look(serve: Serve) -> None:
    port = await serve(good)
    targets = tuple(Target(f"pod-{number}", "127.0.0.1", port) for number in range(MANY))
    async with scraper() as http:
        metrics = PodMetrics(http, FixedClock(), seconds=30.0, limit=LIMIT)
        await metrics.read(targets)
        began = time.process_time()
        found = await metrics.read(targets)
        spent = time.process_time() - began
    assert all(reading.counters is not None for reading in found.values())
    # Both sides of the connections are in this process.
    assert spent < 0.7


async def test_many_pods_share_what_a_few_may_send(serve: Serve) -> None:
    async def long(_: web.Request) -> web.Response:
        return web.Response(text="spark_inflight_requests 3\n" + "#" * 200_000)

    port = await serve(long)
    targets = tuple(Target(f"pod-{number}", "127.0.0.1", port) for number in range(200))
    async with scraper() as http:
        metrics = PodMetrics(http, FixedClock(), seconds=10.0, limit=1_048_576)
        few, many = await metrics.read(targets[:2]), await metrics.read(targets)
    assert all(reading.counters for reading in few.values())
    assert not any(reading.counters for reading in many.values())


async def test_a_pod_whose_address_is_a_name_is_not_looked_up() -> None:
    async with scraper() as http:
        metrics = PodMetrics(http, FixedClock(), seconds=SECONDS, limit=LIMIT)
        found = await metrics.read((Target("a", "localhost", 1),))
    assert found["a"].counters is None
