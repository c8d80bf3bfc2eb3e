"""Asks processes that can be ended what a script is, so that no script ends or stops this one.

A few processes answer one question each at a time. Who asks a lot waits for himself: of one tenant
only one question is read at a time, so that there is always a process for somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from pydantic_core import from_json, to_json

from spark_app.core.csharp import Analysis, Finding
from spark_app.errors import OverloadedError, RateLimitedError
from spark_app.reading.worker import HEAD, RETIRES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

PROCESSES = 2
ANSWER_SECONDS = 10.0
"""Wall time for one answer; a process without processor time is no fault of the code's."""
QUEUE_SECONDS = 10.0
"""Wall time to wait for one's turn."""
TOO_SLOW = Finding(1, "the code takes too long to read; write a simpler file")
TOO_LARGE = Finding(1, "the code takes too much memory to read; write a simpler file")
_COMMAND = (sys.executable, "-m", "spark_app.reading.worker")
_SLOW = frozenset({-signal.SIGPROF, -signal.SIGXCPU})


class CodeReader:
    """Reads scripts and models' answers; close it at the end.

    Args:
        processes: how many questions are answered at a time, at least 2 for two tenants.
    """

    def __init__(self, processes: int = PROCESSES) -> None:
        self._idle: list[Process | None] = [None] * processes
        self._turns = asyncio.Semaphore(processes)
        self._lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self) -> None:
        """Have one process ready, so that no user waits for it."""
        await self.analyse("", tenant="")

    async def analyse(self, code: str, script_name: str | None = None, *, tenant: str) -> Analysis:
        """Check a script, as ``spark_app.core.csharp.analyse`` does.

        Raises:
            RateLimitedError: the tenant has too much to be read already.
            OverloadedError: nobody had the time to read it.
        """
        question = {"text": code, "name": script_name, "answer": False}
        return _analysis(await self._ask(question, tenant))

    async def read_answer(self, answer: str, *, tenant: str) -> tuple[str, Analysis]:
        """Take the code out of a model's answer and check it.

        Raises:
            RateLimitedError, OverloadedError: as ``analyse``.
        """
        found = await self._ask({"text": answer, "name": None, "answer": True}, tenant)
        return (answer if isinstance(found, Finding) else found["code"]), _analysis(found)

    async def close(self) -> None:
        """End every process."""
        for process in self._idle:
            if process is not None:
                await _end(process)
        self._idle = [None] * len(self._idle)

    async def _ask(self, question: Mapping[str, object], tenant: str) -> dict[str, Any] | Finding:
        async with self._turn(tenant):
            process = self._idle.pop()
            kept = None
            try:
                # One that stood idle may have been ended by whoever needed its memory.
                if process is None or process.returncode is not None:
                    process = await _begin()
                answer = await _exchange(process, to_json(question))
                if answer is None:
                    return TOO_SLOW if await _end(process) in _SLOW else TOO_LARGE
                found: dict[str, Any] = from_json(answer)
                kept = process if found["grown"] <= RETIRES else None
            except TimeoutError:
                raise OverloadedError("nobody had time to read the code", retry_after=2.0) from None
            finally:
                self._idle.append(kept)
                if kept is None and process is not None:
                    await asyncio.shield(_end(process))
            return found

    @contextlib.asynccontextmanager
    async def _turn(self, tenant: str) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(tenant, asyncio.Lock())
        if not await _within(lane):
            raise RateLimitedError(
                "too much code of this key is being read; send less at a time", retry_after=2.0
            )
        try:
            if not await _within(self._turns):
                raise OverloadedError("nobody had time to read the code", retry_after=2.0)
            try:
                yield
            finally:
                self._turns.release()
        finally:
            lane.release()


async def _within(turn: asyncio.Lock | asyncio.Semaphore) -> bool:
    try:
        async with asyncio.timeout(QUEUE_SECONDS):
            await turn.acquire()
    except TimeoutError:
        return False
    return True


async def _begin() -> Process:
    # No variable of ours goes along: they hold keys.
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment, start_new_session=True
    )


async def _exchange(process: Process, question: bytes) -> bytes | None:
    """Return the answer, or None where the process ended over it."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the reading process has no pipes")
    async with asyncio.timeout(ANSWER_SECONDS):
        try:
            process.stdin.write(HEAD.pack(len(question)) + question)
            await process.stdin.drain()
            head = await process.stdout.readexactly(HEAD.size)
            return await process.stdout.readexactly(HEAD.unpack(head)[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


async def _end(process: Process) -> int:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return await process.wait()


def _analysis(found: dict[str, Any] | Finding) -> Analysis:
    if isinstance(found, Finding):
        return Analysis("", (found,), ())
    return Analysis(found["class_name"], _findings(found["problems"]), _findings(found["warnings"]))


def _findings(pairs: Sequence[Sequence[Any]]) -> tuple[Finding, ...]:
    return tuple(Finding(line, message) for line, message in pairs)
