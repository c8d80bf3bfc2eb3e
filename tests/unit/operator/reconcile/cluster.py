"""An API server in memory, as small as the reconciler's tests need it; it can refuse."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spark_operator.core.model.objects import Ref, ref
from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.ports.cluster import ClusterError, ConflictError
from tests.unit.operator.core.builders import NOW, body

if TYPE_CHECKING:
    import asyncio

    from spark_operator.core.apply.diff import Delete
    from spark_operator.core.apply.volume_refresh import Touch
    from spark_operator.core.model.event import Event
    from spark_operator.core.model.objects import Manifest
    from spark_operator.ports.cluster import Key
    from spark_operator.ports.metrics import Reading, Target


@dataclass(slots=True)
class FixedClock:
    """Stands still until it is set."""

    at: float = NOW

    def now(self) -> float:
        return self.at


@dataclass(slots=True)
class NoMetrics:
    """Knows no pod, and remembers who was asked for."""

    asked: list[Target] = field(default_factory=list)

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        self.asked = list(targets)
        return {}


@dataclass(slots=True)
class MemoryCluster:
    """Children by kind and name, and a log of the writes in their order."""

    resource: Manifest | None = field(default_factory=body)
    children: dict[Ref, Manifest] = field(default_factory=dict)
    pods: list[Manifest] = field(default_factory=list)
    foreign: tuple[Ref, ...] = ()
    refusals: dict[str, ClusterError] = field(default_factory=dict)
    """By what would be written, as in ``log``, or its first word."""
    log: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    version: int = 100
    never_told: asyncio.Event | None = None
    """Events are not taken before it is set."""
    stubborn: str = ""
    """A kind whose writes are accepted and change nothing."""

    async def read(self, key: Key) -> Snapshot | None:
        assert key.name == "spark"
        if self.resource is None:
            return None
        children = tuple(copy.deepcopy(list(self.children.values())))
        return Snapshot(
            copy.deepcopy(self.resource), children, tuple(copy.deepcopy(self.pods)), self.foreign
        )

    async def write_status(self, resource: Manifest) -> Manifest:
        self._write("status")
        assert self.resource is not None
        if resource["metadata"]["resourceVersion"] != self.resource["metadata"]["resourceVersion"]:
            raise ConflictError("the resource changed")
        self.resource = copy.deepcopy(resource)
        self.resource["metadata"]["resourceVersion"] = self._next()
        return copy.deepcopy(self.resource)

    async def create(self, manifest: Manifest) -> None:
        self._write(f"create {manifest['kind']} {manifest['metadata']['name']}")
        self.children.setdefault(ref(manifest), self._stored(manifest))

    async def apply(self, manifest: Manifest) -> None:
        self._write(f"apply {manifest['kind']} {manifest['metadata']['name']}")
        if manifest["kind"] != self.stubborn:
            self.children[ref(manifest)] = self._stored(manifest)

    async def strip(self, patch: Manifest) -> None:
        self._write(f"strip {patch['kind']} {patch['metadata']['name']}")

    async def annotate(self, namespace: str, touch: Touch) -> None:
        assert namespace == "production"
        self._write(f"annotate Pod {touch.pod}")
        for item in self.pods:
            if item["metadata"]["name"] == touch.pod:
                item["metadata"].setdefault("annotations", {}).update(touch.annotations)

    async def delete(self, namespace: str, deletion: Delete) -> None:
        assert namespace == "production"
        self._write(f"delete {deletion.ref.kind} {deletion.ref.name}")
        self.children.pop(deletion.ref, None)

    async def publish(self, resource: Manifest, event: Event) -> None:
        del resource
        if self.never_told is not None:
            await self.never_told.wait()
        self.events.append(event.reason)

    def _write(self, what: str) -> None:
        refusal = self.refusals.get(what) or self.refusals.get(" ".join(what.split()[:2]))
        if refusal:
            raise refusal
        self.log.append(what)

    def _stored(self, manifest: Manifest) -> Manifest:
        stored: dict[str, Any] = copy.deepcopy(manifest)
        stored["metadata"] |= {"uid": f"uid-{self.version}", "resourceVersion": self._next()}
        return stored

    def _next(self) -> str:
        self.version += 1
        return str(self.version)
