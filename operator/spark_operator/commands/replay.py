"""Commands beside the operator itself: replay a trace, record one."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import typer

from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.kubernetes.client import KubeCluster
from spark_operator.adapters.kubernetes.events import EventRecorder
from spark_operator.adapters.metrics.pod_metrics import PodMetrics
from spark_operator.adapters.metrics.scraper import scraper
from spark_operator.ports.cluster import ClusterError, Key
from spark_operator.replay import Replayed, TraceError, frames, replay, write
from spark_operator.replay import manifest as manifests
from spark_operator.replay.recording import Known, on_trial, readings
from spark_operator.runtime.settings import Settings
from spark_operator.runtime.wiring import api_client


def replay_command(
    trace: Annotated[
        Path, typer.Argument(help="The trace: JSON lines.", exists=True, dir_okay=False)
    ],
    manifest: Annotated[
        Path,
        typer.Option(help="A SparkDeployment, for the plan.", exists=True, dir_okay=False),
    ],
    output: Annotated[str, typer.Option(help="json or text.")] = "text",
) -> None:
    """Run a recorded trace through the real decisions, offline, in the trace's own time."""
    if output not in ("json", "text"):
        print(f"--output {output}: write json or text", file=sys.stderr)
        raise typer.Exit(2)
    try:
        resource, unknown = manifests.read(manifest)
        with trace.open(encoding="utf-8-sig", errors="replace") as lines:
            result = replay(resource, frames(lines))
    except (manifests.ManifestError, TraceError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    for name in unknown:
        print(f"{manifest}: there is no field {name}: it is ignored", file=sys.stderr)
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
    async with await api_client() as client, scraper() as pages:
        cluster = KubeCluster(
            client, EventRecorder(clock, "record"), request_seconds=settings.request_seconds
        )
        metrics = PodMetrics(
            pages, clock, seconds=settings.scrape_seconds, limit=settings.scrape_bytes
        )
        known = Known(cluster, key)
        if not await known.look():
            return 0
        zero, looking = clock.now(), asyncio.create_task(known.keep_looking())
        tried = ""
        try:
            with output.open("w", encoding="utf-8") as file:
                while (elapsed := time.monotonic() - began) < seconds and known.snapshot:
                    tried = on_trial(known.snapshot) or tried
                    for reading in await readings(known.snapshot, metrics, zero, tried):
                        file.write(write(reading) + "\n")
                        count += 1
                    file.flush()
                    await asyncio.sleep(max(0.0, int(elapsed) + 1 - (time.monotonic() - began)))
        finally:
            looking.cancel()
    return count
