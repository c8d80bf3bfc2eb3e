"""The Deployment controller: as many pods as are wanted, replaced one by one when they change.

ReplicaSets are left out: nothing of the operator looks at them.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tests.simulation.api.errors import Refusal
from tests.simulation.api.paths import Collection
from tests.simulation.world import pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.server import ApiServer, Change

ACTOR = "deployment-controller"
SURGE = 1


class DeploymentController:
    """Looks at a Deployment whenever it or one of its pods changed."""

    def __init__(
        self,
        server: ApiServer,
        later: Callable[[float, Callable[[], None]], None],
        delay: Callable[[], float],
    ) -> None:
        self._server = server
        self._later = later
        self._delay = delay
        self._due: set[tuple[str, str]] = set()
        self._made = 0
        server.listeners.append(self._see)

    def _see(self, change: Change) -> None:
        name, namespace = change.name, change.collection.namespace
        if change.collection.plural == "pods":
            owners = change.manifest["metadata"].get("ownerReferences") or [{"name": ""}]
            name = owners[0]["name"]
        elif change.collection.plural != "deployments" or change.verb == "DELETED":
            return
        if name and (namespace, name) not in self._due:
            self._due.add((namespace, name))
            self._later(self._delay(), lambda: self._sync(namespace, name))

    def _sync(self, namespace: str, name: str) -> None:
        self._due.discard((namespace, name))
        found = self._server.all(Collection("apps/v1", "deployments", namespace)).get(name)
        if found is None:
            return
        wanted: int = found["spec"]["replicas"]
        template = hashlib.sha256(json.dumps(found["spec"]["template"]).encode()).hexdigest()[:8]
        collection = Collection("v1", "pods", namespace)
        live = self._live(collection, found)
        ours = [pod for pod in live if pod["metadata"]["labels"]["pod-template-hash"] == template]
        old = [pod for pod in live if pod not in ours]
        room = wanted + (SURGE if old else 0) - len(live)
        for _ in range(min(room, wanted - len(ours))):
            self._make(collection, found, template)
        for pod in _surplus(wanted, ours, old):
            self._server.end(ACTOR, collection, pod["metadata"]["name"])

    def _live(self, collection: Collection, deployment: Manifest) -> list[Manifest]:
        uid = deployment["metadata"]["uid"]
        return [
            pod
            for pod in self._server.all(collection).values()
            if not pods.is_ending(pod) and pod["metadata"]["ownerReferences"][0]["uid"] == uid
        ]

    def _make(self, collection: Collection, deployment: Manifest, template: str) -> None:
        self._made += 1
        name = f"{deployment['metadata']['name']}-{self._made:05d}"
        try:
            self._server.create(ACTOR, collection, pods.new_pod(deployment, name, template))
        except Refusal as refusal:
            raise AssertionError(refusal.message) from refusal


def _surplus(wanted: int, ours: list[Manifest], old: list[Manifest]) -> list[Manifest]:
    """Pods to end: those beyond what is wanted, and old ones that ready new ones stand in for."""
    by_use = sorted(ours, key=pods.is_ready)
    surplus = by_use[: max(0, len(ours) - wanted)]
    ready = sum(pods.is_ready(pod) for pod in (*ours, *old))
    spare = max(0, ready - wanted)
    unready = [pod for pod in old if not pods.is_ready(pod)]
    return surplus + unready + [pod for pod in old if pods.is_ready(pod)][:spare]
