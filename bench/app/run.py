"""Processes to be measured, each pinned to a core, and wrk, which drives them from another."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.services import ensure, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
SERVER_CORE, LOAD_CORE = 0, 1
PRIORITY = -10
"""Both cores are shared with whatever else runs; this keeps it from being measured along."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run of wrk."""

    requests: int
    rps: float
    p50_ms: float
    p99_ms: float
    errors: int


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test."""

    url: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far, which a busy machine distorts less than the clock."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_mib(self) -> float:
        """Resident memory of the process and its children, in MiB."""
        pids = [self.pid]
        for pid in pids:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            pids += [int(child) for child in children.read_text().split()]
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _prefix(core: int) -> list[str]:
    nice = ["nice", "-n", str(PRIORITY)] if os.geteuid() == 0 else []
    return ["taskset", "-c", str(core), *nice]


@contextlib.contextmanager
def serving(
    command: list[str], port: int, path: str, core: Any = SERVER_CORE, **environment: str
) -> Iterator[Target]:
    """Run a server until the block ends; ready once ``path`` answers."""
    process = subprocess.Popen(
        [*_prefix(core), *command],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=HERE.parents[1],
    )
    try:
        _wait(process, port, path)
        yield Target(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    ends = time.monotonic() + 180
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError):
            if not path:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            with _get(f"http://127.0.0.1:{port}{path}"):
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} is not ready after 180 s")


def _get(url: str) -> Any:
    return urllib.request.urlopen(url, timeout=10)  # noqa: S310 - always our own http:// address


def wrk(kind: str, url: str, connections: int, seconds: int) -> Result:
    """Load ``url`` as ``kind`` of client."""
    command = [ensure("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s"]
    command += ["-s", str(HERE / "load.lua"), url]
    done = subprocess.run(
        [*_prefix(LOAD_CORE), *command],
        env=os.environ | {"BENCH_KIND": kind},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    rps = found["requests"] / found["seconds"]
    return Result(found["requests"], rps, found["p50_ms"], found["p99_ms"], found["errors"])


@contextlib.contextmanager
def upstream() -> Iterator[Target]:
    """Run the stand-in for the providers: one script, 20 ms."""
    port = free_port()
    command = [sys.executable, str(HERE / "upstream.py"), str(port)]
    with serving(command, port, "", LOAD_CORE) as made:
        yield made


@contextlib.contextmanager
def spark(provider: str) -> Iterator[Target]:
    """Run the service as in production: keys, limits, metrics, validation and access log on."""
    port = free_port()
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ANTHROPIC_API_KEY": "bench",
        "ANTHROPIC_BASE_URL": provider,
        "SPARK_API_KEYS": "user-bench-0123456789abcdef",
        "SPARK_RATE_LIMIT": "10000000/minute",
        "SPARK_CACHE_BYTES": str(8 * 2**20),
    }
    command = [sys.executable, "-m", "spark_app"]
    with serving(command, port, "/readyz", **environment) as made:
        yield made


@contextlib.contextmanager
def bare() -> Iterator[Target]:
    """Run one constant endpoint of Starlette."""
    port = free_port()
    with serving([sys.executable, str(HERE / "bare.py"), str(port)], port, "/") as made:
        yield made


@contextlib.contextmanager
def litellm(provider: str, environment: Path) -> Iterator[Target]:
    """Run LiteLLM's proxy in its own environment, one worker, with a master key."""
    port = free_port()
    config = environment / "bench.yaml"
    config.write_text(
        "model_list:\n"
        "  - model_name: claude-sonnet-5-5\n"
        "    litellm_params:\n"
        "      model: anthropic/claude-sonnet-5-5\n"
        f"      api_base: {provider}\n"
        "      api_key: bench\n"
        "litellm_settings: {num_retries: 0, telemetry: false}\n"
        "general_settings: {master_key: sk-bench-key}\n"
    )
    command = [str(environment / "bin" / "litellm"), "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    variables = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
    }
    with serving(command, port, "/health/liveliness", **variables) as made:
        yield made


def health_while_loaded(target: Target, seconds: int) -> float:
    """Measure the health endpoint's p99 in ms, 20 times a second beside 16 busy connections."""
    command = [*_prefix(LOAD_CORE), ensure("wrk"), "-t1", "-c16", f"-d{seconds}s", "-s"]
    command += [str(HERE / "load.lua"), f"{target.url}/api/spark/generate"]
    load = subprocess.Popen(
        command, env=os.environ | {"BENCH_KIND": "spark"}, stdout=subprocess.DEVNULL
    )
    took: list[float] = []
    time.sleep(1)
    try:
        while load.poll() is None:
            began = time.monotonic()
            with _get(f"{target.url}/api/spark/health"):
                took.append((time.monotonic() - began) * 1000)
            time.sleep(max(0.0, 0.05 - (time.monotonic() - began)))
    finally:
        load.kill()
        load.wait()
    return sorted(took)[int(len(took) * 0.99)]
