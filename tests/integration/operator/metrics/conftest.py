"""Two real releases of the service with users; one is on trial in a cluster in memory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dev.services import free_port
from spark_operator.api.fields import to_time
from spark_operator.api.status.status import (
    ReleaseStatus,
    SparkDeploymentStatus,
    StepStatus,
    Weight,
)
from spark_operator.core.model.labels import RELEASE_LABEL
from tests.unit.operator.core.builders import IMAGES, body, name
from tests.unit.operator.reconcile.cluster import MemoryCluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from spark_operator.core.model.objects import Manifest

STABLE, CANDIDATE = 1, 2
READY_SECONDS = 60.0
USERS = 4
CODE = "using UnityEngine;\npublic class Mover : MonoBehaviour\n{\n    void Start() { }\n}\n"
EXPORT = {"code": CODE, "scriptName": "Mover"}


@dataclass(frozen=True)
class Release:
    """One pod, which is a process."""

    version: int
    port: int

    @property
    def target(self) -> str:
        """Where it is scraped."""
        return f"127.0.0.1:{self.port}"

    @property
    def labels(self) -> dict[str, str]:
        """What a scrape says about it."""
        return {
            "namespace": "production",
            "spark_deployment": "spark",
            "release": name(self.version),
            "pod": f"spark-{name(self.version)}-0",
        }

    @property
    def pod(self) -> Manifest:
        """The pod as the API server shows it."""
        return {
            "metadata": {
                "name": self.labels["pod"],
                "uid": f"uid-{self.version}",
                "labels": {RELEASE_LABEL: name(self.version)},
            },
            "status": {
                "podIP": "127.0.0.1",
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }


@contextlib.contextmanager
def released(module: str, version: int, **environment: str) -> Iterator[Release]:
    """A release as a process of its own; no provider is needed for exports."""
    port = free_port()
    values = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ANTHROPIC_API_KEY": "claude-key",
        "SPARK_RELEASE": name(version),
        "SPARK_ACCESS_LOG": "false",
        **environment,
    }
    process = subprocess.Popen([sys.executable, "-m", module], env=values)  # noqa: S603
    try:
        yield Release(version, port)
    finally:
        process.kill()
        process.wait(10)


def wait_for(release: Release) -> None:
    """Until it serves."""
    ends = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, timeout=1) as client:
        while time.monotonic() < ends:
            with contextlib.suppress(httpx.HTTPError):
                if client.get(f"http://{release.target}/readyz").status_code == 200:
                    return
            time.sleep(0.1)
    raise RuntimeError("the release did not start")


@pytest.fixture(scope="session")
def releases() -> Iterator[tuple[Release, Release]]:
    """A good release, and one that fails every other export."""
    bad = {"FAULT_PATH": "/api/export", "FAULT_RATE": "0.5"}
    with (
        released("spark_app", STABLE) as good,
        released("dev.releases.faulty", CANDIDATE, **bad) as failing,
    ):
        wait_for(good)
        wait_for(failing)
        yield good, failing


async def _use(release: Release) -> None:
    url = f"http://{release.target}/api/export"
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                await client.post(url, json=EXPORT)
            await asyncio.sleep(0.1)


@pytest.fixture
async def users(releases: tuple[Release, Release]) -> AsyncIterator[None]:
    """At most 40 requests a second on each release."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_use(release)) for release in releases for _ in range(USERS)]
        yield
        for task in tasks:
            task.cancel()


async def scraped(url: str) -> None:
    """Wait until a Prometheus has read every release once more: it knows all that was until now."""
    began = time.time()
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=5) as client:
        while True:
            query = {"query": "timestamp(api_export_total)"}
            found = (await client.get("/api/v1/query", params=query)).json()["data"]["result"]
            if found and min(float(item["value"][1]) for item in found) > began:
                return
            await asyncio.sleep(0.1)


@dataclass(slots=True)
class WatchedCluster(MemoryCluster):
    """Wakes whoever waits for a status."""

    written: asyncio.Event = field(default_factory=asyncio.Event)

    async def write_status(self, resource: Manifest) -> Manifest:
        stored = await MemoryCluster.write_status(self, resource)
        self.written.set()
        return stored

    @property
    def status(self) -> dict[str, Any]:
        assert self.resource is not None
        found: dict[str, Any] = self.resource["status"]
        return found

    async def until(self, true: Callable[[dict[str, Any]], bool], seconds: float) -> None:
        """Wait for a status."""
        try:
            async with asyncio.timeout(seconds):
                while not true(self.status):
                    self.written.clear()
                    await self.written.wait()
        except TimeoutError:
            pytest.fail(f"not within {seconds} s: {self.status}")


def on_trial(releases: tuple[Release, Release], **spec: Any) -> WatchedCluster:
    """A cluster in which the second release has had traffic for a moment."""
    now = time.time()
    roles = [
        ReleaseStatus(release=name(number), image=IMAGES[number], since=to_time(now - 60))
        for number in (STABLE, CANDIDATE)
    ]
    status = SparkDeploymentStatus(
        observed_generation=CANDIDATE,
        epoch=7,
        phase="Progressing",
        stable=roles[0],
        candidate=roles[1],
        weight=Weight(desired=50, actual=50),
        step=StepStatus(index=0, total=2, entered_at=to_time(now), observed_since=to_time(now - 1)),
        first_traffic_at=to_time(now - 1),
    )
    steps = [{"weight": 50, "minDuration": "5m"}, {"weight": 100}]
    canary = {"strategy": {"canary": {"steps": steps}}}
    resource = body(CANDIDATE, replicas=1, **canary, **spec) | {"status": status.to_dict()}
    return WatchedCluster(resource=resource, pods=[release.pod for release in releases])
