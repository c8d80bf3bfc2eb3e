"""Tells pods to look at their mounted files, a few at a time and never for long."""

from __future__ import annotations

import asyncio
import logging
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.core.apply.volume_refresh import touches
from spark_operator.ports.cluster import ClusterError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.apply.volume_refresh import Touch
    from spark_operator.core.observe.secret_metadata import SecretData
    from spark_operator.core.observe.snapshot import Snapshot
    from spark_operator.ports.cluster import Cluster

AT_ONCE: Final = 16
"""Pods that are touched in one reconcile, side by side."""
LONGEST_SECONDS: Final = 0.5
"""Longest time that it may take of a reconcile: the next one may have to cut traffic."""
AGAIN_SECONDS: Final = 2.0
REFUSED_SECONDS: Final = 60.0
"""How long a refusal is believed: within about as long the kubelet looks by itself."""

log = logging.getLogger(__name__)


class Touched(NamedTuple):
    """What came of one reconcile's touches.

    Attributes:
        any: whether any pod was touched, or tried.
        due: when to go on, seconds since the epoch; infinite: nothing is left.
        refused: touches that the API server refuses, and when each may be tried again.
    """

    any: bool = False
    due: float = math.inf
    refused: Mapping[Touch, float] = MappingProxyType({})


async def touch_pods(
    cluster: Cluster,
    resource: SparkDeployment,
    snapshot: Snapshot,
    secrets: Mapping[str, SecretData] | None,
    before: Touched,
    now: float,
) -> Touched:
    """Touch the pods that have not heard of a change, as many as one reconcile may.

    Args:
        cluster: where the pods are.
        resource: whose pods they are, with the status that is stored.
        snapshot: what was seen.
        secrets: what is known of the Secrets it refers to; None: nothing yet.
        before: what came of the last reconcile's.
        now: seconds since the epoch.
    """
    found = touches(resource, snapshot, secrets)
    refused = {item: at for item in found if (at := before.refused.get(item, 0.0)) > now}
    waiting = [item for item in found if item not in refused]
    tried = waiting[:AT_ONCE]
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            again = await asyncio.gather(
                *(_touch(cluster, resource.metadata.namespace, item) for item in tried)
            )
    except TimeoutError:
        log.warning("%s: touching pods takes too long; it goes on later", resource.metadata.name)
        again = [AGAIN_SECONDS]
    else:
        refused |= {
            item: now + wait
            for item, wait in zip(tried, again, strict=True)
            if wait == REFUSED_SECONDS
        }
    dues = [*(now + wait for wait in again), *refused.values()]
    if len(waiting) > AT_ONCE and min(again) == math.inf:
        dues.append(now)
    return Touched(any=bool(tried), due=min(dues, default=math.inf), refused=refused)


async def _touch(cluster: Cluster, namespace: str, item: Touch) -> float:
    """Touch one pod: in how many seconds to try again, infinite where that is done."""
    try:
        await cluster.annotate(namespace, item)
    except ClusterError as error:
        log.warning("pod %s was not told of a change: %s", item.pod, error)
        return REFUSED_SECONDS if isinstance(error, RefusedError) else AGAIN_SECONDS
    return math.inf
