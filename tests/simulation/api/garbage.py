"""The garbage collector: what lost all its owners is deleted, in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.paths import Collection
    from tests.simulation.api.server import ApiServer, Change

ACTOR = "garbage-collector"


class GarbageCollector:
    """Looks at every object whose owner goes, and at every new one whose owner is gone already."""

    def __init__(
        self, server: ApiServer, later: Callable[[float, Callable[[], None]], None], delay: float
    ) -> None:
        self._server = server
        self._later = later
        self._delay = delay
        self._gone: set[str] = set()
        server.listeners.append(self._see)

    def _see(self, change: Change) -> None:
        if change.verb == "DELETED":
            self._gone.add(change.manifest["metadata"]["uid"])
            self._later(self._delay, self._collect)
        elif change.verb == "ADDED" and self._is_orphan(change.manifest):
            self._later(self._delay, self._collect)

    def _collect(self) -> None:
        found: list[tuple[Collection, str]] = [
            (collection, name)
            for collection, items in self._server.objects.items()
            for name, item in items.items()
            if self._is_orphan(item)
        ]
        for collection, name in found:
            self._server.end(ACTOR, collection, name)

    def _is_orphan(self, item: Manifest) -> bool:
        owners = item["metadata"].get("ownerReferences") or []
        return bool(owners) and all(owner["uid"] in self._gone for owner in owners)
