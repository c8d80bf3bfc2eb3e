"""Users against real servers on loopback, good and broken ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.users.http import Client, UserError
from dev.users.load import Limits, Load
from dev.users.results import Ring
from dev.users.server import create_app
from dev.users.traffic import Habits

if TYPE_CHECKING:
    from starlette.requests import Request

    from .conftest import Serve

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Service:
    """A service that names its release and remembers its clients' ports."""

    def __init__(self) -> None:
        self.peers: Counter[int] = Counter()
        self.hold = asyncio.Event()
        self.hold.set()
        self._arrival = asyncio.Condition()
        self.headers = {"X-Spark-Release": "abc123"}

    async def answer(self, request: Request) -> Response:
        assert request.client
        self.peers[request.client.port] += 1
        async with self._arrival:
            self._arrival.notify_all()
        await request.body()
        await self.hold.wait()
        return JSONResponse({}, headers=self.headers)

    async def arrived(self, number: int) -> None:
        async with self._arrival:
            await self._arrival.wait_for(lambda: self.peers.total() >= number)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.answer),
                Route("/api/spark/generate", self.answer, methods=["POST"]),
                Route("/api/export", self.answer, methods=["POST"]),
            ]
        )


def port(url: str) -> int:
    return int(url.rpartition(":")[2])


@contextlib.asynccontextmanager
async def broken(handler: Handler) -> AsyncIterator[Client]:
    done: list[asyncio.Event] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done.append(event := asyncio.Event())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        event.set()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    client = Client("127.0.0.1", server.sockets[0].getsockname()[1], timeout=0.5)
    async with server:
        yield client
        client.close()
        for event in done:
            await event.wait()


async def test_kept_connections_are_used_again_and_fresh_ones_never(serve: Serve) -> None:
    service = Service()
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url))
        for _ in range(3):
            answer = await client.send(GET, keep=True)
            assert (answer.status, answer.release) == (200, "abc123")
        assert sorted(service.peers.values()) == [3]
        await client.send(GET, keep=False)
        await client.send(GET, keep=False)
        assert sorted(service.peers.values()) == [1, 1, 3] or sorted(service.peers.values()) == [
            4,
            1,
        ]
        client.close()


async def test_connection_close_is_obeyed(serve: Serve) -> None:
    service = Service()
    service.headers["Connection"] = "close"
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url))
        for _ in range(3):
            await client.send(GET, keep=True)
            assert client.idle == 0
        assert len(service.peers) == 3


async def test_idle_connections_are_closed_by_their_user(serve: Serve) -> None:
    service = Service()
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url), idle_limit=0.0)
        await client.send(GET, keep=True)
        await client.send(GET, keep=True)
        assert len(service.peers) == 2
        client.close()


async def test_refused_and_unknown_addresses_have_names() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(UserError, match="refused"):
        await Client("127.0.0.1", number).send(GET, keep=True)
    with pytest.raises(UserError, match="dns"):
        await Client("no-such-host.invalid", 80).send(GET, keep=False)


async def _close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _truncate(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def _garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n")
    await writer.drain()


async def _hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("handler", "kinds"),
    [
        (_close, {"closed"}),
        (_reset, {"reset", "closed"}),
        (_truncate, {"truncated"}),
        (_garbage, {"protocol"}),
        (_hang, {"timeout"}),
    ],
)
async def test_broken_answers_have_names(handler: Handler, kinds: set[str]) -> None:
    async with broken(handler) as client:
        with pytest.raises(UserError) as raised:
            await client.send(GET, keep=True)
        assert str(raised.value) in kinds
        assert client.idle == 0


async def _finished(load: Load) -> None:
    async with asyncio.timeout(20):
        await load.run()


async def test_load_sends_its_share_and_accounts_for_all(serve: Serve) -> None:
    service, ring = Service(), Ring(1000)
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url))
        load = Load(client, Habits("x"), ring, Limits(requests=100), rate=200)
        await _finished(load)
        client.close()
    results = list(ring.since(0))
    assert len(results) == load.sent == 100
    assert load.unsent == 0
    assert Counter(r.mode for r in results) == {"keepalive": 50, "fresh": 50}
    assert {(r.status, r.error, r.release) for r in results} == {(200, "", "abc123")}
    assert sum(service.peers.values()) == 100
    assert 50 < len(service.peers) < 80


async def test_slow_answers_do_not_lower_the_offered_load(serve: Serve) -> None:
    service, ring = Service(), Ring(1000)
    service.hold.clear()
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url))
        load = Load(client, Habits("x"), ring, Limits(requests=40, inflight=30), rate=400)
        task = asyncio.create_task(_finished(load))
        async with asyncio.timeout(10):
            await service.arrived(30)
        # No answer has come, and yet requests go on being due
        await asyncio.sleep(0.1)
        assert load.inflight == load.sent == 30
        assert load.unsent >= 5
        service.hold.set()
        await task
        client.close()
    assert ring.last == 40


async def test_duration_is_a_hard_bound(serve: Serve) -> None:
    service, ring = Service(), Ring(1000)
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url))
        load = Load(client, Habits("x"), ring, Limits(duration=0.3), rate=50)
        await _finished(load)
        client.close()
    assert not load.running
    assert 5 <= ring.last == load.sent <= 17


async def test_surface_shows_results_and_takes_orders(serve: Serve) -> None:
    service, ring = Service(), Ring(1000)
    async with serve(service.app()) as url:
        client = Client("127.0.0.1", port(url))
        load = Load(client, Habits("x"), ring, Limits(requests=30), rate=0)
        task = asyncio.create_task(_finished(load))
        transport = httpx.ASGITransport(create_app(load, ring))
        async with httpx.AsyncClient(transport=transport, base_url="http://users") as admin:
            wrong = await admin.post("/control", json={"rate": 1_000_000})
            assert wrong.status_code == 422
            state = (await admin.post("/control", json={"rate": 300})).json()
            assert state["rate"] == 300
            await task
            first = (await admin.get("/results?since=0&limit=20")).text.splitlines()
            rest = (await admin.get("/results?since=20")).text.splitlines()
            assert (len(first), len(rest)) == (20, 10)
            summary = (await admin.get("/summary")).json()
            assert summary["sent"] == summary["all"]["requests"] == 30
            assert summary["release"]["abc123"]["errors"] == 0
            assert (await admin.get("/results?since=x")).status_code == 400
        client.close()
