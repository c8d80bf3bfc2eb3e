"""Kubernetes Events with stable names: a repeated one raises a count instead of piling up."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from spark_operator.api.base import API_VERSION, KIND
from spark_operator.api.fields import clip, format_time, to_time
from spark_operator.core.model.labels import MANAGER
from spark_operator.core.model.objects import ChildKind

if TYPE_CHECKING:
    from spark_operator.core.model.event import Event
    from spark_operator.core.model.objects import Manifest
    from spark_operator.ports.clock import Clock

EVENT: Final = ChildKind("v1", "events")
MAX_MESSAGE: Final = 1024
"""Longest message that the API server stores (core/v1 Event validation)."""


class Api(Protocol):
    """What is needed of an API server's client."""

    async def get(self, path: str) -> Manifest | None:
        """Return one object by path, or None where there is none."""

    async def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = ...
    ) -> Manifest:
        """Send one request."""


class Publisher(Protocol):
    """Tells events, now or later."""

    async def publish(self, api: Api, resource: Manifest, event: Event) -> None:
        """Tell one event about a resource."""


class EventRecorder:
    """A writer of core/v1 Events, the kind that ``kubectl describe`` shows."""

    def __init__(self, clock: Clock, instance: str) -> None:
        self._clock = clock
        self._instance = instance

    async def publish(self, api: Api, resource: Manifest, event: Event) -> None:
        """Create the event, or raise the count of the one that is there."""
        await self.write(api, self.compose(resource, event))

    async def write(self, api: Api, wanted: Manifest) -> None:
        """Publish the same, of an event that was composed before.

        Raises:
            ClusterError: the API server did not take it.
        """
        path = EVENT.path(wanted["metadata"]["namespace"], wanted["metadata"]["name"])
        known = await api.get(path)
        if known is None:
            await api.request("POST", EVENT.path(wanted["metadata"]["namespace"]), wanted)
            return
        patch = {
            "count": int(known.get("count") or 1) + int(wanted["count"]),
            "lastTimestamp": wanted["lastTimestamp"],
        }
        await api.request("PATCH", path, patch, content_type="application/merge-patch+json")

    def compose(self, resource: Manifest, event: Event) -> dict[str, Any]:
        """Return the event as it is written, with the time that it is now."""
        meta, at = resource["metadata"], format_time(to_time(float(int(self._clock.now()))))
        message = clip(event.message, MAX_MESSAGE)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{meta['name']}.{_identity(meta['uid'], event.reason, message)}",
                "namespace": meta["namespace"],
            },
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
                "resourceVersion": meta.get("resourceVersion", ""),
            },
            "type": "Warning" if event.warning else "Normal",
            "reason": event.reason,
            "message": message,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
            "source": {"component": MANAGER},
            "reportingComponent": MANAGER,
            "reportingInstance": self._instance,
        }


def _identity(uid: str, reason: str, message: str) -> str:
    return hashlib.sha256(f"{uid}\0{reason}\0{message}".encode()).hexdigest()[:16]
