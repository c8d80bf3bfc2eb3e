"""The real operator as a process, so that it can be killed."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPERATOR: Final = Path(__file__).resolve().parents[4] / "operator"
READY_SECONDS: Final = 30.0


@dataclass
class RunningOperator:
    """One process; its log is a file."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def kill(self) -> None:
        """End it as a crash of its machine does."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def metrics(self) -> str:
        """Its own metrics, in Prometheus' text format."""
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            return (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text

    def said(self) -> str:
        """Everything it logged."""
        return self.log.read_text(encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running_operator(
    kubeconfig: Path, namespace: str, log: Path, **settings: str
) -> AsyncIterator[RunningOperator]:
    """An operator for one namespace, ready; killed at the end.

    Args:
        kubeconfig: of the API server it watches.
        namespace: the only one it watches.
        log: file it logs to, at the level DEBUG.
        settings: more of its environment variables, without ``SPARK_OPERATOR_``.
    """
    port = _free_port()
    own = {"PORT": str(port), "NAMESPACES": namespace, "LOG_LEVEL": "DEBUG", **settings}
    environment = {
        **os.environ,
        **{f"SPARK_OPERATOR_{name}": value for name, value in own.items()},
        "KUBECONFIG": str(kubeconfig),
        "PYTHONPATH": str(OPERATOR),
    }
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "spark_operator", env=environment, stdout=output, stderr=output
        )
    running = RunningOperator(process, port, log)
    try:
        await _ready(running)
        yield running
    finally:
        await running.kill()


async def _ready(running: RunningOperator) -> None:
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert running.process.returncode is None, running.said()
            try:
                answer = await client.get(f"http://127.0.0.1:{running.port}/readyz")
            except httpx.TransportError:
                answer = httpx.Response(503)
            if answer.status_code == 200:
                return
            await asyncio.sleep(0.1)
