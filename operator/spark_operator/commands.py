"""Commands beside the operator itself: replay a trace, record one."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
import yaml

from spark_operator.adapters import http
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.events import Recorder
from spark_operator.adapters.kube import KubeCluster
from spark_operator.adapters.pod_metrics import PodMetrics
from spark_operator.api.resource import InvalidResourceError, SparkDeployment, parse
from spark_operator.core import observe
from spark_operator.core.replay import Reading, Replayed, TraceError, frames, replay, write
from spark_operator.ports import Cluster, ClusterError, Key, Target
from spark_operator.settings import Settings
from spark_operator.wiring import api_client

if TYPE_CHECKING:
    from spark_operator.core.observe import Snapshot

MAX_MANIFEST_BYTES = 1_048_576


class ManifestError(Exception):
    """A manifest file holds no SparkDeployment; the message says what is wrong."""


def read_manifest(path: Path) -> SparkDeployment:
    """Read the first SparkDeployment of a YAML or JSON file.

    Raises:
        ManifestError: there is none, or its fields are wrong.
    """
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ManifestError(f"{path}: more than {MAX_MANIFEST_BYTES} bytes is no manifest")
        documents: list[Any] = list(yaml.safe_load_all(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: cannot be read as YAML or JSON: {error}") from error
    for body in documents:
        if isinstance(body, dict) and body.get("kind") == "SparkDeployment":
            try:
                return parse({**body, "status": {}})
            except InvalidResourceError as error:
                raise ManifestError(f"{path}: {error}") from error
    raise ManifestError(f"{path}: holds no object of kind SparkDeployment")


def replay_command(
    trace: Annotated[Path, typer.Argument(help="The trace: JSON lines.", exists=True)],
    manifest: Annotated[Path, typer.Option(help="A SparkDeployment, for the plan.", exists=True)],
    output: Annotated[str, typer.Option(help="json or text.")] = "text",
) -> None:
    """Run a recorded trace through the real decisions, offline, in the trace's own time."""
    if output not in ("json", "text"):
        print(f"--output {output}: write json or text", file=sys.stderr)
        raise typer.Exit(2)
    try:
        resource = read_manifest(manifest)
        with trace.open(encoding="utf-8", errors="replace") as lines:
            result = replay(resource, frames(lines))
    except (ManifestError, TraceError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    print(json.dumps(result.to_dict()) if output == "json" else _story(result))


def _story(result: Replayed) -> str:
    lines = [
        f"{item['t']:>8.0f} s  {item['phase']:<12} {item['weight']:>3}%  "
        f"{item['decision'] or item['verdict']:<16} {item['reason']:<26} {item['message']}"
        for item in result.decisions
    ]
    return "\n".join([*lines, f"{result.outcome} at {result.at:.0f} s: {result.reason}"])


def record_command(
    resource: Annotated[str, typer.Argument(help="NAMESPACE/NAME of a SparkDeployment.")],
    output: Annotated[Path, typer.Option(help="File to write the trace to.")],
    seconds: Annotated[float, typer.Option(help="How long.", min=1, max=86_400)] = 600,
) -> None:
    """Record a live rollout as a trace; the pods' addresses must be reachable from here."""
    namespace, slash, name = resource.partition("/")
    if not slash or not namespace or not name:
        print(f"{resource!r}: write NAMESPACE/NAME", file=sys.stderr)
        raise typer.Exit(2)
    try:
        count = asyncio.run(_record(Key(namespace, name), output, seconds))
    except (ClusterError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    print(f"{count} readings in {output}")


async def _record(key: Key, output: Path, seconds: float) -> int:
    clock, settings, count = SystemClock(), Settings(), 0
    began = time.monotonic()
    async with await api_client() as client, http.client() as scraper:
        cluster = KubeCluster(
            client, Recorder(clock, "record"), request_seconds=settings.request_seconds
        )
        metrics = PodMetrics(
            scraper, clock, seconds=settings.scrape_seconds, limit=settings.scrape_bytes
        )
        known = Known(cluster, key)
        if not await known.look():
            return 0
        zero, looking = clock.now(), asyncio.create_task(known.keep_looking())
        try:
            with output.open("w", encoding="utf-8") as file:
                while (elapsed := time.monotonic() - began) < seconds and known.snapshot:
                    for reading in await _readings(known.snapshot, metrics, zero):
                        file.write(write(reading) + "\n")
                        count += 1
                    file.flush()
                    await asyncio.sleep(max(0.0, int(elapsed) + 1 - (time.monotonic() - began)))
        finally:
            looking.cancel()
    return count


class Known:
    """What is known of a resource, looked at beside the readings: a slow answer delays none."""

    def __init__(self, cluster: Cluster, key: Key) -> None:
        self._cluster = cluster
        self._key = key
        self.snapshot: Snapshot | None = None
        """None: it is gone, or nobody has looked yet."""

    async def look(self) -> bool:
        """Look once; whether it is there. It is as it was while the API server does not answer.

        Raises:
            ClusterError: it does not answer, and nothing is known yet.
        """
        try:
            self.snapshot = await self._cluster.read(self._key)
        except ClusterError:
            if self.snapshot is None:
                raise
        return self.snapshot is not None

    async def keep_looking(self) -> None:
        """Look once a second until it is gone."""
        while await self.look():  # noqa: ASYNC110 - it is the API server that is polled
            await asyncio.sleep(1.0)


async def _readings(snapshot: Snapshot, metrics: PodMetrics, zero: float) -> list[Reading]:
    resource = parse(snapshot.resource)
    status = resource.status
    roles: dict[str, Literal["stable", "candidate"]] = {}
    if status.stable:
        roles[status.stable.release] = "stable"
    if status.candidate:
        roles[status.candidate.release] = "candidate"
    pods = [
        (pod, roles[name])
        for name, work in observe.workloads(snapshot).items()
        if name in roles
        for pod in work.live
        if pod.ip
    ]
    targets = tuple(Target(pod.uid, pod.ip, resource.spec.pod.port) for pod, _ in pods)
    found = await metrics.read(targets)
    made = [
        Reading(max(0.0, found[pod.uid].at - zero), role, pod.name, counters)
        for pod, role in pods
        if (counters := found[pod.uid].counters) is not None
    ]
    # A trace's time never runs backwards, and the pods answer in any order
    return sorted(made, key=lambda reading: reading.at)
