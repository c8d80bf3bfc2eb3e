"""A real Prometheus beside the cluster that scrapes a namespace's pods.

It runs on this machine, which pods of the local cluster reach, and is told of pods as they come.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from dev.cluster.choices import target
from dev.cluster.choices.local import Local
from dev.cluster.errors import PreconditionError
from dev.monitoring import prometheus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.monitoring import Monitoring
    from tests.e2e.support.stage import Stage

PORT = 3000
WATCH_SECONDS = 300
Labels = dict[str, str]


@contextlib.asynccontextmanager
async def scraped(stage: Stage, interval: str = "1s") -> AsyncIterator[Monitoring]:
    """Run a Prometheus that scrapes the pods of the stage's releases every ``interval``.

    Raises:
        PreconditionError: the cluster is not the local one, whose pods reach this machine.
    """
    found = target.resolve()
    if not isinstance(found, Local):
        raise PreconditionError(
            "Prometheus runs on this machine, which only pods of the local cluster reach: unset"
            f" {target.KUBECONFIG} and {target.CLUSTER}."
        )
    with prometheus(interval=interval, host=found.host) as monitoring:
        task = asyncio.create_task(_follow(stage, monitoring))
        try:
            yield monitoring
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _follow(stage: Stage, monitoring: Monitoring) -> None:
    """Keep the targets what the pods are; a watch that ends begins anew with all of them."""
    path = (
        f"/api/v1/namespaces/{stage.namespace}/pods?watch=true&timeoutSeconds={WATCH_SECONDS}"
        "&labelSelector=spark.dev%2Fdeployment"
    )
    while True:
        pods: dict[str, tuple[str, Labels]] = {}
        async for event in stage.kubectl.watch(path):
            pod = event["object"]
            name, address = pod["metadata"]["name"], (pod.get("status") or {}).get("podIP")
            if event["type"] == "DELETED":
                pods.pop(name, None)
            elif address:
                pods[name] = (f"{address}:{PORT}", labels(pod))
            monitoring.scrape(dict(pods.values()))


def labels(pod: dict[str, Any]) -> Labels:
    """Return the labels that the documented scrape configuration gives a pod's series."""
    meta = pod["metadata"]
    return {
        "namespace": meta["namespace"],
        "pod": meta["name"],
        "release": meta["labels"]["spark.dev/release"],
    }
