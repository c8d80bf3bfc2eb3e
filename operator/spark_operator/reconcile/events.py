"""Tells a decision's events, and never for long: they explain it and are no part of it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from spark_operator.ports.cluster import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.core.model.event import Event
    from spark_operator.core.model.objects import Manifest
    from spark_operator.ports.cluster import Cluster

LONGEST_SECONDS: Final = 1.0
"""Longest time that all events of one reconcile may take: the next may have to cut traffic.

A cluster may keep its events in an etcd of their own, which can hang while all else goes on.
"""

log = logging.getLogger(__name__)


async def tell(cluster: Cluster, resource: Manifest, events: Iterable[Event]) -> None:
    """Write events about a resource; a transition stands whether or not it could be told."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            for event in events:
                await _publish(cluster, resource, event)
    except TimeoutError:
        log.warning(
            "%s: writing events takes too long; those left are not told",
            resource["metadata"]["name"],
        )


async def _publish(cluster: Cluster, resource: Manifest, event: Event) -> None:
    try:
        await cluster.publish(resource, event)
    except ClusterError as error:
        log.warning("event %s could not be written: %s", event.reason, error)
