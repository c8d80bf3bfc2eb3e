"""What a recording of a live rollout reads: the resource, and its pods' metrics each second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from spark_operator.api.resource import parse
from spark_operator.core.observe.snapshot import workloads
from spark_operator.ports.cluster import Cluster, ClusterError, Key
from spark_operator.ports.metrics import Metrics, Target
from spark_operator.replay import TraceReading

if TYPE_CHECKING:
    from spark_operator.core.observe.snapshot import Snapshot


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


def on_trial(snapshot: Snapshot) -> str:
    """The release that is tried, or watched under guard; empty where none is."""
    status = parse(snapshot.resource).status
    watched = status.candidate or (status.stable if status.previous else None)
    return watched.release if watched else ""


async def readings(
    snapshot: Snapshot, metrics: Metrics, zero: float, tried: str = ""
) -> list[TraceReading]:
    """A reading of every pod of the releases there are, in the order of time.

    ``zero`` is when the trace's time begins, in seconds since the epoch; ``tried`` is the release
    that the trace calls the candidate, whatever it has become since.
    """
    resource = parse(snapshot.resource)
    status = resource.status
    roles: dict[str, Literal["stable", "candidate"]] = {
        known.release: "candidate" if known.release == tried else "stable"
        for known in (status.stable, status.previous, status.candidate)
        if known is not None
    }
    pods = [
        (pod, roles[name])
        for name, work in workloads(snapshot).items()
        if name in roles
        for pod in work.live
        if pod.ip
    ]
    targets = tuple(Target(pod.uid, pod.ip, resource.spec.pod.port) for pod, _ in pods)
    found = await metrics.read(targets)
    made = [
        TraceReading(max(0.0, found[pod.uid].at - zero), role, pod.name, counters)
        for pod, role in pods
        if (counters := found[pod.uid].counters) is not None
    ]
    # A trace's time never runs backwards, and the pods answer in any order
    return sorted(made, key=lambda reading: reading.at)
