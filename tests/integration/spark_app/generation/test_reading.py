"""Code that no grammar is made for: it costs its sender an answer, and nobody else anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from spark_app.core.csharp import MAX_FINDINGS, Analysis
from spark_app.core.rules.nesting import MAX_NESTING
from spark_app.errors import RateLimitedError
from spark_app.reading import reader as reading
from spark_app.reading import worker
from spark_app.reading.reader import CodeReader
from tests.integration.spark_app.harness import (
    Providers,
    anthropic_message,
    counted,
    parse_events,
    spark_process,
)
from tests.integration.spark_app.harness import spark as make_spark
from tests.integration.spark_app.web.test_hostile import events, provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GOOD = """using UnityEngine;

public class Mover : MonoBehaviour
{
    private void Update()
    {
        transform.Translate(Vector3.forward * Time.deltaTime);
    }
}
"""
WEDGES = ["a<b<" * 2400, "a<b<" * 6400, "a<b<" * 12_000, "a<b<\n" * 2400]
# Below the limit on nesting, again and again: only the process's own limits end these.
SHALLOW = {
    "calls": GOOD.replace("transform", "a<b>(c)+" * 20_000 + "transform"),
    "statements": ("a<b<" * 90 + ";\n") * 500,
    "types": ("a<b<" * 90 + "{}\n") * 500,
}
MOST_BYTES = 512 * 1024 * 1024
"""Of memory that a pod has."""


@pytest.fixture
async def reader() -> AsyncIterator[CodeReader]:
    made = CodeReader()
    yield made
    await made.close()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]


@contextlib.asynccontextmanager
async def looked_at(client: httpx2.AsyncClient) -> AsyncIterator[list[float]]:
    """`/livez` asked all the while; gives the seconds that each answer took."""
    took: list[float] = []
    over = asyncio.Event()

    async def look() -> None:
        while not over.is_set():
            began = time.monotonic()
            assert (await client.get("/livez")).status_code == 200
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(look())
    yield took
    over.set()
    await task


def late(took: list[float]) -> float:
    """The time that 95 of 100 answers took at most."""
    return sorted(took)[int(len(took) * 0.95)]


def test_these_are_not_caught_by_depth_alone() -> None:
    from spark_app.core.rules.nesting import first_too_deep  # noqa: PLC0415

    assert all(first_too_deep(code) is None for code in SHALLOW.values())


async def test_an_export_that_no_grammar_ends_holds_up_nobody(providers: Providers) -> None:
    # A process of its own: on a service without the limits nothing else would end it.
    with spark_process(providers.url) as process:
        async with httpx2.AsyncClient(base_url=process.url, timeout=20) as client:
            async with looked_at(client) as alone:
                await asyncio.sleep(1.0)
            async with looked_at(client) as took:
                for code in (*WEDGES, *SHALLOW.values()):
                    wanted = {"code": code, "scriptName": "Mover"}
                    began = time.monotonic()
                    answer = await client.post("/api/export", json=wanted)
                    assert time.monotonic() - began < 10
                    assert answer.status_code == 422, answer.text
                    assert answer.json()["code"] == "code_invalid"
            wanted = {"code": GOOD, "scriptName": "Mover"}
            later = await client.post("/api/export", json=wanted)
            assert later.text == GOOD
    assert len(took) > 20
    # A machine that is busy with something else is slow without the code as well.
    assert late(took) < 0.1 + 2 * late(alone)


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_models_answer_that_no_grammar_ends_is_only_a_bad_answer(stream: bool) -> None:
    text = f"```csharp\n{SHALLOW['statements']}\n```"
    message = json.dumps(anthropic_message(text)).encode()
    body = events(text, model="claude-test") if stream else message
    async with provider(200, body) as url:
        changes: dict[str, Any] = {"OPENAI_API_KEY": None}
        async with make_spark(url, **changes) as spark:
            async with looked_at(spark.client) as took:
                answer = await spark.generate(stream=stream)
            problem = parse_events(answer.text)[-1][1] if stream else answer.json()
            wanted = {"code": GOOD, "scriptName": "Mover"}
            assert (await spark.client.post("/api/export", json=wanted)).status_code == 200
            metrics = await spark.metrics()
    assert problem["status"] in {422, 502}, problem
    assert took
    assert counted(metrics, "errors_total", origin="app") == 0


async def test_a_fence_without_an_end_is_read_once(reader: CodeReader) -> None:
    for tail in (" " * 200_000, "a" * 200_000, "```\n" * 50_000):
        _, analysis = await reader.read_answer("```" + tail, tenant="t")
        assert [problem.message[:20] for problem in analysis.problems] != ["the code takes too l"]


async def test_ordinary_code_is_read_as_ever(reader: CodeReader) -> None:
    assert await reader.analyse(GOOD, "Mover", tenant="t") == Analysis("Mover", (), ())
    code, analysis = await reader.read_answer(f"Here:\n```csharp\n{GOOD}```\n", tenant="t")
    assert (code, analysis.class_name, analysis.valid) == (GOOD, "Mover", True)
    wrong = await reader.analyse(GOOD[:-3], "Mover", tenant="t")
    assert str(wrong.problems[0]).startswith("line 3: syntax error near")
    odd = await reader.analyse(GOOD.replace("Update", "update"), "Mover", tenant="t")
    assert "is 'Update' meant?" in str(odd.warnings[0])


async def test_the_limits_are_on_time_memory_and_depth(
    reader: CodeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = GOOD.replace("transform", "(" * (MAX_NESTING + 1) + "transform")
    found = await reader.analyse(deep, "Mover", tenant="t")
    advice = f"nested deeper than {MAX_NESTING} levels; write a simpler file"
    assert [str(problem) for problem in found.problems] == [f"line 7: {advice}"]
    for code in SHALLOW.values():
        found = await reader.analyse(code, "Mover", tenant="t")
        assert not found.valid
        assert len(found.problems) <= MAX_FINDINGS
        assert await reader.analyse(GOOD, "Mover", tenant="t") == Analysis("Mover", (), ())
    assert worker.MEMORY * (reading.PROCESSES + 1) < MOST_BYTES


WITHOUT_DEPTH = """
from spark_app.core.rules import nesting
from spark_app.reading.worker import main
nesting.MAX_NESTING = 10**9
main()
"""


async def test_the_processs_own_limits_hold_without_the_one_on_depth(
    reader: CodeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_COMMAND", (sys.executable, "-c", WITHOUT_DEPTH))
    said = set()
    for code in WEDGES:
        began = time.monotonic()
        found = await reader.analyse(code, "Mover", tenant="t")
        assert time.monotonic() - began < reading.ANSWER_SECONDS
        said.add(found.problems[0].message)
        assert (await reader.analyse(GOOD, "Mover", tenant="t")).valid
    assert said <= {reading.TOO_SLOW.message, reading.TOO_LARGE.message}


async def test_a_process_that_somebody_ended_is_replaced(reader: CodeReader) -> None:
    for _ in range(3):
        assert (await reader.analyse(GOOD, "Mover", tenant="t")).valid
        (process,) = [one for one in reader._idle if one is not None]
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert (await reader.analyse(GOOD, "Mover", tenant="t")).valid


async def test_who_leaves_takes_no_answer_of_the_next(reader: CodeReader) -> None:
    leaving = asyncio.create_task(reader.analyse(SHALLOW["calls"], "Mover", tenant="t"))
    await asyncio.sleep(0.2)
    leaving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leaving
    assert await reader.analyse(GOOD, "Mover", tenant="t") == Analysis("Mover", (), ())


async def test_one_tenants_code_never_takes_every_process(
    reader: CodeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reader.analyse(GOOD, "Mover", tenant="other")
    heavy = [
        asyncio.create_task(reader.analyse(SHALLOW["calls"], "Mover", tenant="t")) for _ in range(6)
    ]
    await asyncio.sleep(0)
    for _ in range(3):
        assert (await reader.analyse(GOOD, "Mover", tenant="other")).valid
    assert sum(task.done() for task in heavy) < 6
    monkeypatch.setattr(reading, "QUEUE_SECONDS", 0.01)
    with pytest.raises(RateLimitedError):
        await reader.analyse(GOOD, "Mover", tenant="t")
    for task in heavy:
        task.cancel()
    await asyncio.gather(*heavy, return_exceptions=True)


async def test_the_process_has_no_key_and_ends_with_its_service(providers: Providers) -> None:
    with spark_process(providers.url) as process:
        (child,) = children(process.process.pid)
        assert b"claude-key" not in _environment(child)
        process.process.kill()
        process.process.wait(10)
        async with asyncio.timeout(10):
            while _alive(child):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)


def _environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return False
