"""Connections that ask for nothing: they are many, they end, and users are served beside them."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from spark_app.service import server
from tests.integration.spark_app.harness import Providers, parse_metrics, spark_process, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

MANY = 1500
MOST = 256
HALF = b"POST /api/spark/generate HTTP/1.1\r\nHost: x\r\nX: "
GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def resident(pid: int) -> int:
    """Bytes that a process has in memory."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


@contextlib.asynccontextmanager
async def crowd(port: int, many: int) -> AsyncIterator[list[Stream]]:
    """Connections with half a head each."""
    opened: list[Stream] = []
    try:
        for _ in range(many):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HALF)
            opened.append((reader, writer))
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def looked_at(port: int) -> float:
    """Seconds, in the median, from a new connection to the whole answer of `/livez`."""
    took = []
    for _ in range(20):
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET.replace(b"Host", b"Connection: close\r\nHost"))
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        took.append(time.monotonic() - began)
        writer.close()
    return statistics.median(took)


async def ended(opened: list[Stream]) -> int:
    """How many the service has closed."""

    async def over(reader: asyncio.StreamReader) -> bool:
        try:
            async with asyncio.timeout(0.001):
                return await reader.read(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    return sum([await over(reader) for reader, _ in opened])


async def test_half_open_requests_are_bounded_and_end_while_users_are_served(
    providers: Providers,
) -> None:
    environment = {"SPARK_MAX_CONNECTIONS": str(MOST), "SPARK_KEEP_ALIVE_SECONDS": "10"}
    with spark_process(providers.url, **environment) as process:
        alone = await looked_at(process.port)
        before = resident(process.process.pid)
        async with crowd(process.port, MANY) as opened:
            beside = await looked_at(process.port)
            async with httpx2.AsyncClient(base_url=process.url, timeout=10) as client:
                said = parse_metrics((await client.get("/api/metrics")).text)
            grown = resident(process.process.pid) - before
            assert await ended(opened) >= MANY - MOST
            async with asyncio.timeout(30):
                while await ended(opened) < MANY:  # noqa: ASYNC110 - no event tells
                    await asyncio.sleep(0.1)
    assert said["spark_connections"] <= MOST
    assert said["spark_connections_max"] == MOST
    assert said["spark_connections_turned_away_total"] >= MANY - MOST
    assert grown < 32 * 1024 * 1024
    # A machine that is busy with something else is slow without the crowd as well.
    assert beside < 0.1 + 2 * alone


async def test_an_empty_line_holds_no_connection_open(providers: Providers) -> None:
    async with make_spark(providers.url, SPARK_KEEP_ALIVE_SECONDS=1) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        began = time.monotonic()

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.3)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(10):
            await reader.read()
        assert 0.5 < time.monotonic() - began < 8
        dripping.cancel()
        writer.close()


async def test_an_answer_that_nobody_reads_holds_no_connection(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "UNREAD_SECONDS", 0.5)
    async with make_spark(providers.url) as spark:
        connections = spark.server.server_state.connections
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        page = b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                writer.write(page)
        await until(lambda: bool(connections))
        await until(lambda: not connections, 20)
        writer.transport.abort()
        del reader
        assert (await spark.health())[0] == 200
