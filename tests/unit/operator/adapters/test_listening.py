"""The operator's ports against clients that open connections and say nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from spark_operator.adapters.listening import Gate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GET = b"GET /livez HTTP/1.1\r\nHost: operator\r\n\r\n"
SECONDS = 0.3


@asynccontextmanager
async def gated(most: int = 50, pause: float = 0.0) -> AsyncIterator[tuple[Gate, int]]:
    """A gate on loopback whose one page takes ``pause`` seconds."""

    async def page(_: web.Request) -> web.Response:
        await asyncio.sleep(pause)
        return web.Response(text="ok")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    application = web.Application()
    application.router.add_get("/livez", page)
    gate = Gate(application, seconds=SECONDS, most=most)
    await gate.start(port)
    try:
        yield gate, port
    finally:
        await gate.stop()


async def answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(GET)
        return await reader.readline()
    finally:
        writer.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection ends, however it does."""
    got = b""
    with contextlib.suppress(ConnectionError):
        while more := await reader.read(65_536):
            got += more
    return got


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\n", GET[:-2], b"\r\n", b"GARBAGE"])
async def test_a_head_that_never_comes_whole_ends_the_connection(said: bytes) -> None:
    async with asyncio.timeout(20), gated() as (gate, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert b" 200 " not in await rest(reader)
        assert gate.connections == 0
        writer.close()


async def test_an_answered_connection_that_goes_silent_is_closed_too() -> None:
    async with asyncio.timeout(20), gated() as (gate, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        await rest(reader)
        assert gate.connections == 0
        writer.close()


async def test_an_answer_may_take_longer_than_a_head() -> None:
    async with asyncio.timeout(20), gated(pause=3 * SECONDS) as (_, port):
        assert await answer(port) == b"HTTP/1.1 200 OK\r\n"


async def test_whoever_asks_at_once_is_served_beside_any_number_of_silent_ones() -> None:
    async with asyncio.timeout(20), gated(most=20) as (gate, port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        assert await answer(port) == b"HTTP/1.1 200 OK\r\n"
        assert gate.connections <= 20
        for _, writer in silent:
            writer.close()
