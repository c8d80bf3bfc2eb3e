"""Requests under load: bounded at once, timed from their sending, repeated when it is said."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from spark_operator.adapters.kubernetes import client as module
from spark_operator.adapters.kubernetes.client import AT_ONCE, READING, WRITING, KubeCluster
from spark_operator.adapters.kubernetes.events import EventRecorder
from spark_operator.ports.cluster import UnavailableError
from tests.unit.operator.reconcile.cluster import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/api/v1/namespaces/production/pods"


class Server:
    """Answers when it is let; refuses for its load as often as it is told."""

    def __init__(self) -> None:
        self.refusals = 0
        self.retry_after: str | None = "0"
        self.asked: list[str] = []
        self.inside = 0
        self.most = 0
        self.seconds = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.method)
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(self.seconds)
        self.inside -= 1
        if self.refusals:
            self.refusals -= 1
            headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return web.json_response({"message": "too many"}, status=429, headers=headers)
        return web.json_response({"kind": "PodList"})

    @asynccontextmanager
    async def cluster(self, seconds: float = 5.0) -> AsyncIterator[KubeCluster]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        configuration = Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")
        configuration.retries = None
        async with ApiClient(configuration) as client:
            recorder = EventRecorder(FixedClock(), "test")
            yield KubeCluster(client, recorder, request_seconds=seconds)
        await runner.cleanup()


async def test_what_is_refused_for_the_server_s_load_is_sent_again() -> None:
    server = Server()
    server.refusals = 3
    async with server.cluster() as cluster:
        assert await cluster.get(PATH) == {"kind": "PodList"}
    assert len(server.asked) == 4


async def test_the_server_says_when() -> None:
    server = Server()
    server.refusals, server.retry_after = 1, "1"
    async with server.cluster() as cluster:
        began = asyncio.get_running_loop().time()
        await cluster.get(PATH)
        assert asyncio.get_running_loop().time() - began >= 1.0


async def test_a_server_that_refuses_for_ever_is_not_there() -> None:
    server = Server()
    server.refusals = 1000
    async with server.cluster() as cluster:
        with pytest.raises(UnavailableError, match="too many"):
            await cluster.get(PATH)
    assert len(server.asked) == 1 + module.MOST_TRIES


async def test_a_refusal_that_does_not_say_when_is_not_repeated() -> None:
    server = Server()
    server.refusals, server.retry_after = 1, None
    async with server.cluster() as cluster:
        with pytest.raises(UnavailableError, match="too many"):
            await cluster.get(PATH)
    assert len(server.asked) == 1


async def test_waiting_for_others_is_no_part_of_a_request_s_time() -> None:
    """Work was thrown away and begun anew, because hundreds waited for one pool of connections."""
    server = Server()
    server.seconds = 0.25
    count = 20 * AT_ONCE[READING]
    async with server.cluster(seconds=2.0) as cluster:
        answers = await asyncio.gather(*(cluster.get(PATH) for _ in range(count)))
    assert len(answers) == count
    assert server.most <= AT_ONCE[READING]


async def test_a_write_does_not_wait_for_reads() -> None:
    server = Server()
    server.seconds = 0.2
    async with server.cluster() as cluster:
        reads = [asyncio.create_task(cluster.get(PATH)) for _ in range(5 * AT_ONCE[READING])]
        while len(server.asked) < AT_ONCE[READING]:  # noqa: ASYNC110 - the server counts
            await asyncio.sleep(0.01)
        await cluster.request("PUT", PATH, {})
        assert server.asked.index("PUT") <= AT_ONCE[WRITING]
        await asyncio.gather(*reads)
