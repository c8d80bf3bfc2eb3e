"""The real service and the real stand-in on loopback sockets, in this process or another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import uvicorn

from dev.providers.faults import Plan
from dev.providers.server import create_app as create_providers
from spark_app.service.app import SparkApp, create_app
from spark_app.service.server import make_server
from spark_app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PROMPT = "Create a Unity player controller called Mover"
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def anthropic_message(text: str, **changes: Any) -> dict[str, Any]:
    """An answer of Anthropic's Messages API, with members changed, rightly or not."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 20},
    } | changes


def bound_socket() -> socket.socket:
    """A listening address that nobody else has."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    return made


@contextlib.asynccontextmanager
async def running(server: uvicorn.Server) -> AsyncIterator[str]:
    """Run a server in this event loop; gives its base URL."""
    listening = bound_socket()
    task = asyncio.create_task(server._serve([listening]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the server ended before it began")
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = False
        server.config.timeout_graceful_shutdown = 1
        await task


@dataclass(slots=True)
class Providers:
    """The stand-in, with its admin endpoint."""

    url: str
    client: httpx2.AsyncClient

    async def faults(self, *, seed: Any = 1, **plan: Any) -> None:
        """Replace the plan; without arguments nothing goes wrong, and answers come at once."""
        both = {name: {"latency": {"median": 0.0}} | plan.get(name, {}) for name in NAMES}
        document = Plan.model_validate({"seed": seed, **both}).model_dump_json()
        answer = await self.client.put(f"{self.url}/admin/faults", content=document)
        assert answer.status_code == 200, answer.text

    async def calls(self) -> dict[str, int]:
        """Requests so far, by provider."""
        stats = (await self.client.get(f"{self.url}/admin/stats")).json()
        return {name: stats[name]["requests"] for name in NAMES}


NAMES = ("anthropic", "openai")


@contextlib.asynccontextmanager
async def providers() -> AsyncIterator[Providers]:
    """The stand-in, answering at once."""
    config = uvicorn.Config(create_providers(), log_config=None, access_log=False)
    async with running(uvicorn.Server(config)) as url, httpx2.AsyncClient() as client:
        made = Providers(url, client)
        await made.faults()
        yield made


@dataclass(slots=True)
class Spark:
    """The service under test."""

    app: SparkApp
    url: str
    client: httpx2.AsyncClient
    server: uvicorn.Server

    async def generate(
        self, prompt: str = PROMPT, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx2.Response:
        """Ask for a script."""
        return await self.client.post(
            "/api/spark/generate", json={"prompt": prompt, **more}, headers=headers
        )

    async def events(self, prompt: str = PROMPT, **more: Any) -> list[tuple[str, Any]]:
        """Ask for a script as a stream; returns the events."""
        answer = await self.generate(prompt, stream=True, **more)
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        return parse_events(answer.text)

    async def health(self) -> tuple[int, dict[str, Any]]:
        """The status code and the document."""
        answer = await self.client.get("/api/spark/health")
        return answer.status_code, answer.json()

    async def metrics(self) -> dict[str, float]:
        """Samples by name and sorted labels, such as `errors_total{origin="app",…}`."""
        return parse_metrics((await self.client.get("/api/metrics")).text)


def parse_events(text: str) -> list[tuple[str, Any]]:
    """Read server-sent events as the specification has it."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


def parse_metrics(text: str) -> dict[str, float]:
    """Read the Prometheus text format."""
    found: dict[str, float] = {}
    for name, labels, value in SAMPLE.findall(text):
        key = ",".join(sorted(re.findall(r'\w+="[^"]*"', labels)))
        found[f"{name}{{{key}}}" if key else name] = float(value)
    return found


def counted(metrics: dict[str, float], name: str, **labels: str) -> float:
    """The sum of a metric's samples that carry these labels."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return sum(
        value
        for sample, value in metrics.items()
        if sample.split("{")[0] == name and all(label in sample for label in wanted)
    )


def settings(stand_in: str, **changes: Any) -> Settings:
    """Settings for tests: both providers at the stand-in, no waiting for a full second."""
    values: dict[str, Any] = {
        "ANTHROPIC_API_KEY": "claude-key",
        "ANTHROPIC_BASE_URL": stand_in,
        "OPENAI_API_KEY": "openai-key",
        "OPENAI_BASE_URL": f"{stand_in}/v1",
        "SPARK_RELEASE": "r1",
        "SPARK_DEADLINE_SECONDS": 20.0,
        "SPARK_ACCESS_LOG": False,
    }
    return Settings.model_validate(values | changes)


@contextlib.asynccontextmanager
async def spark(stand_in: str, inner_middleware: Any = (), **changes: Any) -> AsyncIterator[Spark]:
    """The service in this process, on a socket of its own."""
    made = settings(stand_in, **changes)
    app = create_app(made, inner_middleware=inner_middleware)
    server = make_server(app, made)
    async with running(server) as url, httpx2.AsyncClient(base_url=url, timeout=30) as client:
        yield Spark(app, url, client, server)


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that happens outside this event loop, or on its own time."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - a file's or a server's change raises no event here
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class Process:
    """The service as a process of its own."""

    url: str
    port: int
    process: subprocess.Popen[bytes]

    def terminate(self) -> None:
        """Send what kubelet sends."""
        self.process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def spark_process(stand_in: str, out: Any = None, **environment: str) -> Iterator[Process]:
    """`python -m spark_app`, ready to serve; killed at the end."""
    with bound_socket() as probe:
        port = probe.getsockname()[1]
    values = {
        "PATH": os.environ["PATH"],
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ANTHROPIC_API_KEY": "claude-key",
        "ANTHROPIC_BASE_URL": stand_in,
        "SPARK_RELEASE": "r1",
        "SPARK_ACCESS_LOG": "false",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "spark_app"],
        env=values | environment,
        stdout=out or subprocess.DEVNULL,
        stderr=out,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process)
        yield Process(f"http://127.0.0.1:{port}", port, process)
    finally:
        process.kill()
        process.wait(10)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(httpx2.HTTPError):
            if httpx2.get(url, timeout=1).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the service did not start")


@contextlib.contextmanager
def background(**changes: Any) -> Iterator[str]:
    """Stand-in and service in a thread of their own, for callers that don't await."""
    ready: queue.Queue[str] = queue.Queue()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        async with providers() as stand_in, spark(stand_in.url, **changes) as made:
            ready.put(made.url)
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield ready.get(timeout=60)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.close()
