"""One reconcile of one resource: gather, decide, persist, render, apply, tell.

Status is written first, guarded by the resourceVersion it was decided on; children are a projection
of it, so a crash between any two writes heals at the next reconcile.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.api.resource import InvalidResourceError, SparkDeployment
from spark_operator.core.apply.backoff import Attempt, signature
from spark_operator.core.decide.decide import decide
from spark_operator.core.observe.fallback import read
from spark_operator.ports.cluster import key_of
from spark_operator.reconcile.apply import carry_out, plan_writes
from spark_operator.reconcile.events import tell
from spark_operator.reconcile.gather import RESYNC_SECONDS, Gatherer, compact, seen
from spark_operator.reconcile.memory import Memory, ReconcileResult
from spark_operator.reconcile.persist import keep_revision, persist, report_invalid
from spark_operator.reconcile.volume_refresh import touch_pods

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.snapshot import Snapshot
    from spark_operator.ports.alerts import Alerts
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Cluster, ClusterError, Key, Secrets
    from spark_operator.ports.metrics import Metrics, Series, Vitals
    from spark_operator.ports.notifications import NotificationQueue


class Reconciler:
    """A reconciler of resources through its ports; it holds no state of a resource itself."""

    def __init__(
        self,
        cluster: Cluster,
        metrics: Metrics,
        clock: Clock,
        notifications: NotificationQueue | None = None,
        alerts: Alerts | None = None,
        series: Series | None = None,
        secrets: Secrets | None = None,
        vitals: Vitals | None = None,
        resync_seconds: float = RESYNC_SECONDS,
    ) -> None:
        """Make a reconciler on its ports.

        Args:
            cluster: the API server.
            metrics: the pods' own metrics.
            clock: the time.
            notifications: sends what outboxes hold; None: it stays there.
            alerts: what is pushed in; None: nothing is.
            series: asks a Prometheus; None: a resource that names one gets no data.
            secrets: knows Secrets by their metadata; None: no change of one is noticed.
            vitals: what pods say of themselves; None: nothing is diagnosed.
            resync_seconds: how long what was read at rest is believed when nothing wakes.
        """
        self._cluster = cluster
        self._clock = clock
        self._notifications = notifications
        self._alerts = alerts
        self._gatherer = Gatherer(
            cluster,
            metrics,
            clock,
            notifications=notifications,
            alerts=alerts,
            series=series,
            secrets=secrets,
            vitals=vitals,
            resync_seconds=resync_seconds,
        )

    async def reconcile(self, key: Key, memory: Memory, *, woken: bool) -> ReconcileResult | None:
        """Reconcile once; None when the resource is gone.

        Raises:
            ClusterError: the world could not be read, or the decision could not be persisted.
            StaleDecisionError: another operator has decided since.
        """
        memory = await self._gatherer.read(key, memory, woken=woken)
        snapshot = memory.snapshot
        if snapshot is None or "deletionTimestamp" in snapshot.resource["metadata"]:
            self._gatherer.forget(key)
            return None
        try:
            readable = read(snapshot.resource)
        except InvalidResourceError as error:
            await report_invalid(self._cluster, snapshot.resource, error, self._clock.now())
            return ReconcileResult(None, Memory())
        resource = readable.resource
        memory = replace(memory, seen=seen(memory))
        observations = replace(
            await self._gatherer.observe(resource, memory),
            invalid=readable.invalid,
            dropped=readable.dropped,
        )
        decision = decide(resource, observations, self._clock.now())
        if memory.is_compact and decision.status != resource.status:
            # What is written follows from the children themselves, of which only a view was kept.
            return await self.reconcile(key, replace(memory, snapshot=None), woken=True)
        memory = replace(memory, tick=observations.tick)
        kept = await keep_revision(self._cluster, resource, observations, decision)
        stored, snapshot = await self._persist(resource, snapshot, decision)
        has_moved = _projected(resource.status) != _projected(decision.status)
        memory = replace(memory, is_settled=memory.is_settled and not has_moved)
        statuses = (resource.status, stored.status)
        return await self._apply(stored, snapshot, observations, decision, memory, kept, statuses)

    async def _persist(
        self, resource: SparkDeployment, snapshot: Snapshot, decision: Decision
    ) -> tuple[SparkDeployment, Snapshot]:
        """Persist the decision, and pass on what stands in it."""
        stored, body = await persist(self._cluster, resource, snapshot.resource, decision)
        if self._alerts:
            self._alerts.settle(key_of(stored), decision.alerts)
        if self._notifications:
            self._notifications.offer(key_of(stored), stored)
        return stored, replace(snapshot, resource=body)

    async def _apply(
        self,
        resource: SparkDeployment,
        snapshot: Snapshot,
        observations: Observations,
        decision: Decision,
        memory: Memory,
        kept: str,
        statuses: tuple[SparkDeploymentStatus, SparkDeploymentStatus],
    ) -> ReconcileResult:
        """Make the children what status says, tell, and say when to look again."""
        writes, broken = (
            ([], ()) if memory.is_settled else plan_writes(resource, snapshot, observations)
        )
        wanted = kept + signature(writes)
        now = self._clock.now()
        is_held = wanted == memory.attempt.writes and now < memory.attempt.not_before
        failure = None if is_held else await carry_out(self._cluster, resource, writes)
        await tell(self._cluster, snapshot.resource, decision.events)
        attempt, next_write = _attempted(memory.attempt, wanted, failure, now, is_held=is_held)
        known = self._gatherer.secrets(resource)
        touched = await touch_pods(self._cluster, resource, snapshot, known, memory.touched, now)
        next_due = math.inf if decision.next_due is None else decision.next_due
        next_look = self._gatherer.next_examination(resource)
        due = min(next_write, next_due, touched.due, next_look)
        is_stale = bool(wanted) or touched.any
        is_done = not is_stale and not broken and touched.due == math.inf
        memory = replace(
            memory,
            snapshot=None if is_stale else snapshot,
            judge=decision.judge,
            watch=decision.watch,
            attempt=attempt,
            touched=touched,
            is_settled=not wanted,
            seen=None if is_stale else memory.seen,
        )
        return ReconcileResult(
            next_due=None if due == math.inf else due,
            memory=compact(memory) if is_done else memory,
            failure=failure,
            statuses=statuses,
            failed_parts=(*(item.part for item in decision.failures), *broken),
        )


def _projected(status: SparkDeploymentStatus) -> tuple[object, ...]:
    """Return what of a status the children depend on."""
    return status.epoch, status.jobs


def _attempted(
    attempt: Attempt, wanted: str, failure: ClusterError | None, now: float, *, is_held: bool
) -> tuple[Attempt, float]:
    """Return the attempt to remember, and when the same writes may be tried again."""
    if not wanted or failure is not None:
        return attempt, math.inf
    again = attempt if is_held else attempt.again(wanted, now)
    return again, again.not_before
