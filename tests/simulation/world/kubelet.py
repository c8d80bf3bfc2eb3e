"""The kubelet: starts containers, reports them, restarts what ends, and ends what is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.simulation.api.paths import Collection
from tests.simulation.world import job_pods, pods
from tests.simulation.world.behaviour import HEALTHY, Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.server import ApiServer, Change

ACTOR: Final = "kubelet"
DRAIN_SECONDS: Final = 4.0
"""How long the service goes on accepting after SIGTERM."""
PULL_SECONDS: Final = 2.0
FIRST_BACK_OFF: Final = 10.0
LONGEST_BACK_OFF: Final = 300.0


@dataclass(slots=True)
class Container:
    """One pod's process; ``serves``: it accepts connections."""

    uid: str
    name: str
    release: str
    image: str
    namespace: str
    ip: str
    serves: bool = False
    restarts: int = 0
    run: int = 0
    """Counts starts and ends, so that what was planned for an earlier run is dropped."""


class Kubelet:
    """All nodes' kubelets; ``changed`` is called before any container's state changes."""

    def __init__(
        self,
        server: ApiServer,
        later: Callable[[float, Callable[[], None]], None],
        start_seconds: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self.containers: dict[str, Container] = {}
        self.images: dict[str, Behaviour] = {}
        self._server = server
        self._later = later
        self._start_seconds = start_seconds
        self._changed = changed
        server.listeners.append(self._see)

    def behaviour(self, image: str) -> Behaviour:
        """How an image behaves."""
        return self.images.get(image, HEALTHY)

    def _see(self, change: Change) -> None:
        pod = change.manifest
        if change.collection.plural != "pods" or job_pods.is_job(pod):
            return
        if change.verb == "ADDED":
            self._admit(pod)
        elif pods.is_ending(pod) and change.before and not pods.is_ending(change.before):
            container = self.containers[pod["metadata"]["uid"]]
            self._later(DRAIN_SECONDS, lambda: self._end(container))

    def enrol(self, pod: Manifest) -> Container:
        """A container for a pod, which does not serve yet."""
        meta, number = pod["metadata"], len(self.containers) + 1
        container = Container(
            uid=meta["uid"],
            name=meta["name"],
            release=pods.release_of(pod),
            image=pods.image_of(pod),
            namespace=meta["namespace"],
            ip=f"10.1.{number // 250}.{number % 250 + 1}",
        )
        self.containers[container.uid] = container
        return container

    def _admit(self, pod: Manifest) -> None:
        container = self.enrol(pod)
        if self.behaviour(container.image).pulls:
            self._plan(container, self._start_seconds(), self._start)
        else:
            self._plan(container, PULL_SECONDS, self._fail_to_pull)

    def _plan(self, container: Container, delay: float, step: Callable[[Container], None]) -> None:
        run = container.run
        self._later(delay, lambda: step(container) if container.run == run else None)

    def _report(self, container: Container, change: Callable[[Manifest], Manifest]) -> None:
        collection = Collection("v1", "pods", container.namespace)
        pod = self._server.all(collection).get(container.name)
        if pod is not None and pod["metadata"]["uid"] == container.uid:
            self._server.replace(ACTOR, collection, change(pod))

    def _fail_to_pull(self, container: Container) -> None:
        why = f'Back-off pulling image "{container.image}"'
        self._report(container, lambda pod: pods.waiting(pod, "ImagePullBackOff", why))

    def _start(self, container: Container) -> None:
        self._changed()
        container.serves = True
        behaviour = self.behaviour(container.image)
        started = self._server.now()
        self._report(
            container,
            lambda pod: pods.running(
                pod,
                started,
                container.ip,
                ready=behaviour.becomes_ready,
                restarts=container.restarts,
            ),
        )
        for after, reason, code in (
            (behaviour.crashes_after, "Error", 1),
            (behaviour.out_of_memory_after, "OOMKilled", 137),
        ):
            if after is not None:
                self._plan(container, after, partial(self.crash, reason=reason, code=code))

    def crash(self, container: Container, reason: str = "Error", code: int = 1) -> None:
        """End a container; it is started again after a pause that doubles each time."""
        self._changed()
        container.serves = False
        container.run += 1
        container.restarts += 1
        self._report(
            container, lambda pod: pods.ended(pod, reason, code, restarts=container.restarts)
        )
        pause = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** (container.restarts - 1))
        self._plan(container, pause, self._start)

    def _end(self, container: Container) -> None:
        self._changed()
        container.serves = False
        container.run += 1
        collection = Collection("v1", "pods", container.namespace)
        self._server.remove(ACTOR, collection, container.name)
