"""What the world says of one resource: read or remembered, then seen as observations."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from spark_operator.core.decide.signals import rotation
from spark_operator.core.observe.observations import Observations, from_snapshot
from spark_operator.core.observe.request_rate import request_rate
from spark_operator.core.observe.snapshot import Snapshot, rests
from spark_operator.core.observe.values import PartFailure
from spark_operator.ports.cluster import ClusterError, Key, key_of
from spark_operator.ports.notifications import DeliveryReport, NotificationQueue
from spark_operator.reconcile.sampling import Sampler
from spark_operator.reconcile.vitals import Examiner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.observe.secret_metadata import SecretData
    from spark_operator.ports.alerts import Alerts
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Cluster, Secrets
    from spark_operator.ports.metrics import Metrics, Series, Vitals
    from spark_operator.reconcile.memory import Memory

log = logging.getLogger(__name__)
T = TypeVar("T")
SNAPSHOT_SECONDS: Final = 10.0
"""How long a snapshot serves where nothing woke; every write of status is guarded anyway."""
PATIENCE_SECONDS: Final = 0.3
"""How long a look at a release on trial waits for the API server while a snapshot still serves."""
RESYNC_SECONDS: Final = 300.0
"""The same at rest, where nothing happens that does not wake, should an event have been lost."""


@dataclass(slots=True)
class _Read:
    """A snapshot on its way, and when it was asked for."""

    task: asyncio.Task[Snapshot | None]
    began: float
    is_late: bool = False
    """Whether something woke since, which it may not show."""

    def is_past(self, now: float, *, woken: bool) -> bool:
        """Return whether it is done and says nothing of now any more."""
        return self.task.done() and (woken or now - self.began >= SNAPSHOT_SECONDS)


class Gatherer:
    """A reader of every port that decisions depend on; it writes nothing."""

    def __init__(
        self,
        cluster: Cluster,
        metrics: Metrics,
        clock: Clock,
        *,
        notifications: NotificationQueue | None,
        alerts: Alerts | None,
        series: Series | None,
        secrets: Secrets | None,
        vitals: Vitals | None,
        resync_seconds: float = RESYNC_SECONDS,
    ) -> None:
        """Make a gatherer on its ports; see ``Reconciler`` for what each is."""
        self._resync = resync_seconds
        self._pending: dict[Key, _Read] = {}
        self._cluster = cluster
        self._clock = clock
        self._notifications = notifications
        self._alerts = alerts
        self._secrets = secrets
        self._sampler = Sampler(metrics, series, clock)
        self._examiner = Examiner(vitals, clock)

    async def read(self, key: Key, memory: Memory, *, woken: bool) -> Memory:
        """Return the memory with a snapshot that is recent enough.

        With a release on trial a slow API server does not delay the look: what is known serves on,
        for as long as it may, and the next look takes what was read meanwhile.

        Raises:
            ClusterError: the API server could not be read.
        """
        now = self._clock.now()
        pending = self._pending.get(key)
        if pending is None:
            if not must_read(memory, now, woken=woken, resync_seconds=self._resync):
                return memory
            pending = self._begin(key, now)
        elif not memory.watch or pending.is_past(now, woken=woken):
            pending.task.cancel()
            pending = self._begin(key, now)
        elif woken:
            # It may have begun before what woke.
            pending.is_late = True
        if memory.watch and _serves(memory, now):
            await asyncio.wait({pending.task}, timeout=PATIENCE_SECONDS)
            if not pending.task.done():
                return memory
        del self._pending[key]
        try:
            snapshot = await pending.task
        except asyncio.CancelledError:
            pending.task.cancel()
            raise
        if pending.is_late:
            self._begin(key, self._clock.now())
        return replace(
            memory,
            snapshot=snapshot,
            read_at=pending.began,
            is_settled=False,
            is_compact=False,
            seen=None,
        )

    def _begin(self, key: Key, now: float) -> _Read:
        task = asyncio.create_task(self._cluster.read(key), name=f"read {key}")
        # One that nobody waits for any more fails in silence.
        task.add_done_callback(lambda it: it.cancelled() or it.exception())
        self._pending[key] = found = _Read(task, now)
        return found

    async def observe(self, resource: SparkDeployment, memory: Memory) -> Observations:
        """Return the snapshot's observations, and what all other ports know by now."""
        key = key_of(resource)
        queue = self._notifications
        delivered = queue.deliveries(key) if queue else DeliveryReport()
        failures: list[PartFailure] = []
        observations = replace(
            memory.seen or Observations(),
            judge=memory.judge,
            delivered=delivered.done,
            delivery_problems=delivered.problems,
            alerts=self._alerts.pending(key) if self._alerts else (),
            secrets=self.secrets(resource),
        )
        examining = self._examiner.rounds(key, resource, observations, is_watched=memory.watch)
        examined = _contained("examination", examining, (), failures)
        if not memory.watch:
            self._sampler.forget(key)
            return replace(observations, rounds=await examined, failures=tuple(failures))
        status = resource.status
        watched = status.candidate or status.stable
        beside = status.stable if status.candidate else status.previous
        work = observations.workload(watched.release if watched else "")
        candidate, leaving = work.live, tuple(pod for pod in work.pods if pod.disruption)
        stable = observations.workload(beside.release).live if beside else ()
        # Side by side: the diagnosis must not delay a verdict.
        sampled = self._sampler.tick(resource, observations, candidate, stable, leaving)
        tick, rounds = await asyncio.gather(
            _contained("metrics", sampled, None, failures), examined
        )
        return replace(
            observations,
            tick=tick,
            rate=request_rate(memory.tick, tick),
            rounds=rounds,
            failures=tuple(failures),
        )

    def secrets(self, resource: SparkDeployment) -> Mapping[str, SecretData] | None:
        """Return what is known of the Secrets that the resource refers to; None: nothing yet."""
        if self._secrets is None:
            return None
        return self._secrets.follow(key_of(resource), rotation.names(resource.spec))

    def next_examination(self, resource: SparkDeployment) -> float:
        """Return when pods are examined next, seconds since the epoch; infinite: never."""
        return self._examiner.wakes(key_of(resource))

    def forget(self, key: Key) -> None:
        """Drop all that is known of a resource that is gone."""
        if pending := self._pending.pop(key, None):
            pending.task.cancel()
        for port in (self._notifications, self._alerts, self._secrets):
            if port:
                port.forget(key)
        self._sampler.forget(key)
        self._examiner.forget(key)


def must_read(
    memory: Memory, now: float, *, woken: bool, resync_seconds: float = RESYNC_SECONDS
) -> bool:
    """Return whether the memory's snapshot is too old to decide on."""
    if memory.snapshot is None or woken:
        return True
    longest = resync(memory, resync_seconds) if rests(memory.snapshot) else SNAPSHOT_SECONDS
    return not 0.0 <= now - memory.read_at < longest


def _serves(memory: Memory, now: float) -> bool:
    return memory.snapshot is not None and 0.0 <= now - memory.read_at < SNAPSHOT_SECONDS


def resync(memory: Memory, seconds: float) -> float:
    """Return after how many seconds a resource is read again that nothing woke.

    ``seconds`` where it rests; sooner while something is under way, and beside others' objects
    under its children's names, which wake nobody.
    """
    known = memory.snapshot
    is_quiet = known is not None and rests(known) and not known.foreign
    return seconds if is_quiet else min(seconds, RESYNC_SECONDS)


def compact(memory: Memory) -> Memory:
    """Return the memory without the children's manifests, which nothing looks at while it rests.

    They are most of what a resource takes: as dicts, with all managed fields, a third of a MiB.
    """
    snapshot = memory.snapshot
    if snapshot is None or memory.seen is None or not rests(snapshot) or snapshot.foreign:
        return memory
    return replace(memory, snapshot=Snapshot(snapshot.resource), is_compact=True)


def seen(memory: Memory) -> Observations | None:
    """Return what the memory's snapshot says; parsed once for as long as the snapshot serves."""
    if memory.seen is not None or memory.snapshot is None:
        return memory.seen
    return from_snapshot(memory.snapshot)


async def _contained(part: str, work: Awaitable[T], otherwise: T, failures: list[PartFailure]) -> T:
    """Await a part that decisions can go without; where it raises, say so and go on."""
    try:
        return await work
    except ClusterError:
        raise
    except Exception as error:
        log.exception("%s failed; the reconcile goes on without it", part)
        failures.append(PartFailure.of(part, error))
        return otherwise
