"""One operator process: the real workers, reconciler, API wrapper and event recorder."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from spark_operator.adapters.alerts.inbox import Inbox
from spark_operator.adapters.kubernetes.client import KubeCluster
from spark_operator.adapters.kubernetes.events import EventRecorder
from spark_operator.reconcile.reconciler import Reconciler
from spark_operator.reconcile.worker import Workers
from spark_operator.runtime.settings import Settings

if TYPE_CHECKING:
    import asyncio

    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key
    from spark_operator.ports.metrics import Metrics
    from spark_operator.reconcile.memory import ReconcileResult
    from tests.simulation.api.transport import Transport

REQUEST_SECONDS: Final = Settings().request_seconds


ACTOR: Final[ContextVar[str]] = ContextVar("actor", default="")
"""The process that the present task belongs to."""


class GatedCluster(KubeCluster):
    """A ``KubeCluster`` of a process that can be stopped between two requests, as by SIGSTOP.

    The gate lies before the request's own time limit: a stopped process' timers stand still.
    """

    gate: asyncio.Event | None = None

    async def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """See ``KubeCluster.request``."""
        if self.gate is not None:
            await self.gate.wait()
        return await super().request(method, path, body, content_type=content_type)


class Process:
    """An operator that runs until it is killed."""

    def __init__(self, name: str, transport: Transport, metrics: Metrics, clock: Clock) -> None:
        self.name = name
        self.alive = True
        self.outcomes: list[str] = []
        self._transport = transport
        self.sent = transport.sent
        recorder = EventRecorder(clock, name)
        self.cluster = GatedCluster(
            cast("Any", transport), recorder, request_seconds=REQUEST_SECONDS
        )
        self.inbox = Inbox()
        reconciler = Reconciler(self.cluster, metrics, clock, alerts=self.inbox)
        self._workers = Workers(reconciler, clock, self._observe)

    def _observe(self, _: Key, __: float, outcome: str, ___: ReconcileResult | None) -> None:
        self.outcomes.append(outcome)

    @property
    def is_serving(self) -> bool:
        """Whether it answers what is sent to it."""
        return self.alive and (self.cluster.gate is None or self.cluster.gate.is_set())

    def wake(self, key: Key) -> None:
        """Deliver a watch event."""
        if self.alive:
            # Whatever runs from here on is this process.
            ACTOR.set(self.name)
            self._workers.wake(key)

    def kill(self) -> None:
        """End it as SIGKILL does: no request of it arrives any more."""
        self.alive = False
        self._transport.dead = True
        for entry in self._workers._entries.values():
            if entry.task is not None:
                entry.task.cancel()

    def close_gate(self, gate: asyncio.Event) -> None:
        """Stop it at its next request, until the event is set."""
        self.cluster.gate = gate
