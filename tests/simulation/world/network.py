"""kube-proxy: where the users' Service leads, as the nodes know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.api.paths import Collection
from tests.simulation.world import pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.server import ApiServer, Change
    from tests.simulation.world.kubelet import Container, Kubelet
    from tests.simulation.world.users import Users


class Routed(NamedTuple):
    """Where the nodes lead the users from one moment on."""

    at: float
    endpoints: tuple[Container, ...]


class KubeProxy:
    """Follows the Service and its pods within a second."""

    def __init__(
        self,
        server: ApiServer,
        kubelet: Kubelet,
        users: Users,
        later: Callable[[float, Callable[[], None]], None],
        delay: Callable[[], float],
        service: str,
    ) -> None:
        self.routed: list[Routed] = []
        self._server = server
        self._kubelet = kubelet
        self._users = users
        self._later = later
        self._delay = delay
        self._service = service
        self._due = False
        server.listeners.append(self._see)

    def _see(self, change: Change) -> None:
        relevant = change.collection.plural == "pods" or (
            change.collection.plural == "services" and change.name == self._service
        )
        if relevant and not self._due:
            self._due = True
            self._later(self._delay(), lambda: self._sync(change.collection.namespace))

    def _sync(self, namespace: str) -> None:
        self._due = False
        found = self._server.all(Collection("v1", "services", namespace)).get(self._service)
        selected = [] if found is None else self._select(namespace, found["spec"]["selector"])
        endpoints = tuple(self._kubelet.containers[pod["metadata"]["uid"]] for pod in selected)
        if endpoints == self._users.endpoints:
            return
        self._users.advance()
        self._users.endpoints = endpoints
        self.routed.append(Routed(self._server.now(), endpoints))

    def _select(self, namespace: str, selector: dict[str, str]) -> list[Manifest]:
        wanted = selector.items()
        return [
            pod
            for pod in self._server.all(Collection("v1", "pods", namespace)).values()
            if wanted <= pod["metadata"]["labels"].items()
            and pods.is_ready(pod)
            and not pods.is_ending(pod)
        ]
