"""SIGTERM: nothing that arrives in time is lost, streams finish, and the process ends with 0."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
import time
from asyncio import subprocess
from typing import TYPE_CHECKING, Any

import httpx2

from tests.integration.spark_app.harness import Providers, parse_events, spark_process, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> str:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    await reader.readexactly(length)
    return head


async def test_sigterm_under_load_loses_nothing(providers: Providers) -> None:
    await providers.faults(anthropic={"latency": {"median": 0.05}})
    with spark_process(providers.url, SPARK_DRAIN_ACCEPT_SECONDS="3") as spark:
        # When it was asked for, whether on a kept connection, the status, whether to be closed.
        seen: list[tuple[float, bool, int, bool]] = []
        told: list[float] = []
        trust = ssl.create_default_context()
        keep = httpx2.AsyncClient(base_url=spark.url, timeout=20, verify=trust)

        async def user(number: int) -> None:
            kept, count = bool(number % 2), 0
            while not told or time.monotonic() - told[0] < 2.0:
                count += 1
                body = {"prompt": f"Create a coin called Coin{number}x{count}"}
                began = time.monotonic()
                if kept:
                    answer = await keep.post("/api/spark/generate", json=body)
                else:
                    async with httpx2.AsyncClient(
                        base_url=spark.url, timeout=20, verify=trust
                    ) as fresh:
                        answer = await fresh.post("/api/spark/generate", json=body)
                closes = "close" in answer.headers.get("connection", "")
                seen.append((began, kept, answer.status_code, closes))

        users = asyncio.gather(*(user(n) for n in range(8)))
        await until(lambda: {kept for _, kept, *_ in seen} == {False, True})
        spark.terminate()
        told.append(time.monotonic())
        ready = await _drained(keep)
        assert (ready.status_code, ready.text) == (503, "draining\n")
        assert ready.headers["connection"] == "close"
        await users
        await keep.aclose()
        assert {status for _, _, status, _ in seen} == {200}
        for wanted in (False, True):
            after = [
                closes for began, kept, _, closes in seen if kept is wanted and began > told[0]
            ]
            assert any(after), "nobody asked while it drained"
        assert await asyncio.to_thread(spark.process.wait, 15) == 0
        assert time.monotonic() - told[0] >= 3.0


async def _drained(client: httpx2.AsyncClient) -> httpx2.Response:
    """The first answer of `/readyz` that isn't good: the signal has reached the process."""
    while True:
        answer = await client.get("/readyz")
        if answer.status_code != 200:
            return answer


async def test_a_stream_that_began_before_finishes_within_the_bound(providers: Providers) -> None:
    await providers.faults(anthropic={"drip_rate": 1.0, "drip_seconds": 6.0})
    with spark_process(providers.url, SPARK_DRAIN_ACCEPT_SECONDS="3") as spark:
        async with httpx2.AsyncClient(base_url=spark.url, timeout=30) as client:
            body = {"prompt": "Create a coin", "stream": True}
            async with client.stream("POST", "/api/spark/generate", json=body) as answer:
                chunks: AsyncIterator[str] = answer.aiter_text()
                text = await anext(chunks)
                spark.terminate()
                async for chunk in chunks:
                    text += chunk
        assert parse_events(text)[-1][0] == "result"
        assert await asyncio.to_thread(spark.process.wait, 15) == 0


async def test_a_stream_beyond_the_bound_is_ended(providers: Providers) -> None:
    await providers.faults(anthropic={"drip_rate": 1.0, "drip_seconds": 60.0})
    bounds: dict[str, Any] = {"SPARK_DRAIN_ACCEPT_SECONDS": "3", "SPARK_DRAIN_BOUND_SECONDS": "5"}
    with spark_process(providers.url, **bounds) as spark:
        async with httpx2.AsyncClient(base_url=spark.url, timeout=30) as client:
            asked = asyncio.create_task(
                client.post("/api/spark/generate", json={"prompt": "Create a coin"})
            )
            await asyncio.sleep(0.5)
            spark.terminate()
            sent = time.monotonic()
            assert await asyncio.to_thread(spark.process.wait, 15) == 0
            assert 4.0 < time.monotonic() - sent < 9.0
            with contextlib.suppress(httpx2.HTTPError):
                assert (await asked).status_code >= 500


async def test_an_old_connection_is_closed_behind_its_next_answer(providers: Providers) -> None:
    async with make_spark(providers.url, SPARK_CONNECTION_AGE_SECONDS=0.5) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert "connection: close" not in await _exchange(reader, writer, "/livez")
        await asyncio.sleep(0.6)
        assert "connection: close" in await _exchange(reader, writer, "/readyz")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_an_idle_connection_is_closed_by_itself(providers: Providers) -> None:
    async with make_spark(providers.url, SPARK_KEEP_ALIVE_SECONDS=1) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await _exchange(reader, writer, "/livez")
        began = time.monotonic()
        assert await reader.read() == b""
        assert 0.8 < time.monotonic() - began < 4.0
        writer.close()
        await writer.wait_closed()


async def test_wrong_settings_end_the_process_with_a_list(providers: Providers) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spark_app", env={"PORT": "x"}, stderr=subprocess.PIPE
    )
    _, text = await process.communicate()
    assert process.returncode == 2
    assert b"PORT" in text
    assert b"Traceback" not in text
