"""Tells pods to look at their mounted files, a few at a time and never for long."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.core.touch import touches
from spark_operator.ports import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.observe import Snapshot
    from spark_operator.core.secretdata import SecretData
    from spark_operator.core.touch import Touch
    from spark_operator.ports import Cluster

AT_ONCE: Final = 16
"""Pods that are touched in one turn, side by side."""
LONGEST_SECONDS: Final = 0.5
"""Longest time that it may take of a turn: the next one may have to cut traffic."""
AGAIN_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


class Touched(NamedTuple):
    """What came of one turn's touches: whether there were any, and seconds until the next."""

    any: bool = False
    again_after: float | None = None


async def touch_pods(
    cluster: Cluster,
    resource: SparkDeployment,
    snapshot: Snapshot,
    secrets: Mapping[str, SecretData] | None,
) -> Touched:
    """Touch the pods that have not heard of a change, as many as one turn may."""
    found = touches(resource, snapshot, secrets)
    if not found:
        return Touched()
    namespace = resource.metadata.namespace
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            done = await asyncio.gather(
                *(_touch(cluster, namespace, item) for item in found[:AT_ONCE])
            )
    except TimeoutError:
        log.warning("%s: touching pods takes too long; it goes on later", resource.metadata.name)
        return Touched(any=True, again_after=AGAIN_SECONDS)
    if not all(done):
        return Touched(any=True, again_after=AGAIN_SECONDS)
    return Touched(any=True, again_after=0.0 if len(found) > AT_ONCE else None)


async def _touch(cluster: Cluster, namespace: str, item: Touch) -> bool:
    try:
        await cluster.annotate(namespace, item)
    except ClusterError as error:
        log.warning("pod %s was not told of a change: %s", item.pod, error)
        return False
    return True
