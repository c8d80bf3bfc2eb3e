"""One turn of one resource: gather, decide, persist, render, apply, tell.

Status is written first, guarded by the resourceVersion it was decided on; children are a projection
of it, so a crash between any two writes heals on the next turn.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.api.resource import InvalidResourceError, SparkDeployment, parse
from spark_operator.api.status.fit import fit
from spark_operator.core.apply.backoff import signature
from spark_operator.core.apply.diff import (
    Delete,
    StaleDecisionError,
    Strip,
    Write,
    diff,
    surplus_revisions,
)
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.report.invalid import invalid_status
from spark_operator.core.decide.signals import rotation
from spark_operator.core.model.labels import child_name
from spark_operator.core.model.objects import Ref, is_owned_by, ref
from spark_operator.core.model.release import Release
from spark_operator.core.observe.observations import Observations
from spark_operator.core.observe.observations import from_snapshot as _seen
from spark_operator.core.observe.request_rate import request_rate
from spark_operator.core.observe.snapshot import rests, revisions
from spark_operator.core.render import finished_jobs, render, revision, unknown
from spark_operator.ports.cluster import (
    Cluster,
    ClusterError,
    ConflictError,
    GoneError,
    Key,
    Secrets,
    TooLargeError,
)
from spark_operator.ports.cluster import key_of as _key
from spark_operator.ports.notifications import Deliveries, Notices
from spark_operator.reconcile.events import tell
from spark_operator.reconcile.gather import RESTING_SECONDS, SNAPSHOT_SECONDS
from spark_operator.reconcile.memory import Memory, Turned
from spark_operator.reconcile.sampling import Sampler
from spark_operator.reconcile.vitals import Examiner
from spark_operator.reconcile.volume_refresh import touch_pods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.observe.secret_metadata import SecretData
    from spark_operator.core.observe.snapshot import Snapshot
    from spark_operator.ports.alerts import Alerts
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.metrics import Metrics, Series, Vitals


log = logging.getLogger(__name__)


class Reconciler:
    """Carries out turns through its ports; holds no state of a resource itself."""

    def __init__(
        self,
        cluster: Cluster,
        metrics: Metrics,
        clock: Clock,
        notices: Notices | None = None,
        alerts: Alerts | None = None,
        series: Series | None = None,
        secrets: Secrets | None = None,
        vitals: Vitals | None = None,
    ) -> None:
        """Make a reconciler on its ports.

        Args:
            cluster: the API server.
            metrics: the pods' own metrics.
            clock: the time.
            notices: sends what outboxes hold; None: it stays there.
            alerts: what is pushed in; None: nothing is.
            series: asks a Prometheus; None: a resource that names one gets no data.
            secrets: knows Secrets by their metadata; None: no change of one is noticed.
            vitals: what pods say of themselves; None: nothing is diagnosed.
        """
        self._cluster = cluster
        self._sampler = Sampler(metrics, series, clock)
        self._examiner = Examiner(vitals, clock)
        self._clock = clock
        self._notices = notices
        self._alerts = alerts
        self._secrets = secrets

    async def turn(self, key: Key, memory: Memory, *, woken: bool) -> Turned | None:
        """Carry out one turn; None when the resource is gone.

        Raises:
            ClusterError: the world could not be read, or the decision could not be persisted.
            StaleDecisionError: another operator has decided since.
        """
        memory = await self._gather(key, memory, woken=woken)
        snapshot = memory.snapshot
        if snapshot is None or "deletionTimestamp" in snapshot.resource["metadata"]:
            if self._notices:
                self._notices.forget(key)
            if self._alerts:
                self._alerts.forget(key)
            if self._secrets:
                self._secrets.forget(key)
            self._sampler.forget(key)
            self._examiner.forget(key)
            return None
        try:
            resource = parse(snapshot.resource)
        except InvalidResourceError as error:
            await self._report_invalid(snapshot, error)
            return Turned(None, Memory())
        memory = replace(memory, seen=memory.seen or _seen(snapshot))
        observations = await self._observe(resource, memory)
        decision = decide(resource, observations, self._clock.now())
        memory = replace(memory, tick=observations.tick)
        return await self._carry_out(resource, snapshot, decision, memory)

    async def _gather(self, key: Key, memory: Memory, *, woken: bool) -> Memory:
        now = self._clock.now()
        longest = (
            RESTING_SECONDS if memory.snapshot and rests(memory.snapshot) else SNAPSHOT_SECONDS
        )
        if memory.snapshot and not woken and 0.0 <= now - memory.read_at < longest:
            return memory
        return replace(
            memory,
            snapshot=await self._cluster.read(key),
            read_at=now,
            is_settled=False,
            seen=None,
        )

    async def _observe(self, resource: SparkDeployment, memory: Memory) -> Observations:
        key = _key(resource)
        delivered = self._notices.deliveries(key) if self._notices else Deliveries()
        observations = replace(
            memory.seen or Observations(),
            judge=memory.judge,
            delivered=delivered.done,
            delivery_problems=delivered.problems,
            alerts=self._alerts.pending(key) if self._alerts else (),
            secrets=self._known_secrets(resource),
        )
        examined = self._examiner.rounds(key, resource, observations)
        if not memory.watch:
            self._sampler.forget(key)
            return replace(observations, rounds=await examined)
        status = resource.status
        watched = status.candidate or status.stable
        beside = status.stable if status.candidate else status.previous
        candidate = observations.workload(watched.release if watched else "").live
        stable = observations.workload(beside.release).live if beside else ()
        # Side by side: the diagnosis must not delay a verdict.
        tick, rounds = await asyncio.gather(
            self._sampler.tick(resource, observations, candidate, stable), examined
        )
        return replace(observations, tick=tick, rate=request_rate(memory.tick, tick), rounds=rounds)

    def _known_secrets(self, resource: SparkDeployment) -> Mapping[str, SecretData] | None:
        if self._secrets is None:
            return None
        key = _key(resource)
        return self._secrets.follow(key, rotation.names(resource.spec))

    async def _carry_out(
        self, resource: SparkDeployment, snapshot: Snapshot, decision: Decision, memory: Memory
    ) -> Turned:
        kept = await self._keep_revision(resource, snapshot, decision)
        before = resource.status
        resource, snapshot = await self._store(resource, snapshot, decision)
        is_settled = memory.is_settled and (decision.status.epoch, decision.status.jobs) == (
            before.epoch,
            before.jobs,
        )
        writes = [] if is_settled else self._writes(resource, snapshot)
        said = kept + signature(writes)
        now = self._clock.now()
        held = said == memory.attempt.writes and now < memory.attempt.not_before
        failure = None if held else await self._write(resource, writes)
        await tell(self._cluster, snapshot.resource, decision.events)
        attempt, next_write = memory.attempt, math.inf
        if said and failure is None:
            attempt = attempt if held else attempt.again(said, now)
            next_write = attempt.not_before
        secrets = self._known_secrets(resource)
        touched = await touch_pods(self._cluster, resource, snapshot, secrets, memory.touched, now)
        next_due = math.inf if decision.next_due is None else decision.next_due
        due = min(next_write, next_due, touched.due, self._examiner.wakes(_key(resource)))
        is_stale = bool(said) or touched.any
        return Turned(
            next_due=None if due == math.inf else due,
            memory=Memory(
                snapshot=None if is_stale else snapshot,
                read_at=memory.read_at,
                judge=decision.judge,
                watch=decision.watch,
                tick=memory.tick,
                attempt=attempt,
                touched=touched,
                is_settled=not said,
                seen=None if is_stale else memory.seen,
            ),
            failure=failure,
            statuses=(before, resource.status),
        )

    async def _store(
        self, resource: SparkDeployment, snapshot: Snapshot, decision: Decision
    ) -> tuple[SparkDeployment, Snapshot]:
        """Persist the decision, and pass on what stands in it."""
        if decision.status != resource.status:
            stored = await self._persist(snapshot.resource, decision)
            resource = parse(stored)
            snapshot = replace(snapshot, resource=stored)
        if self._alerts:
            self._alerts.settle(_key(resource), decision.alerts)
        if self._notices:
            self._notices.offer(_key(resource), resource)
        return resource, snapshot

    async def _keep_revision(
        self, resource: SparkDeployment, snapshot: Snapshot, decision: Decision
    ) -> str:
        """Write the wanted release's revision before any status that names it: what was written.

        A status that named it before is no worse for a revision that cannot be written, and may
        be about to cut traffic.
        """
        known = revisions(snapshot)
        wanted = Release.of(resource.spec)
        if wanted.name in known or wanted.name not in _named(decision.status):
            return ""
        number = max((number for _, number in known.values()), default=0) + 1
        try:
            await self._cluster.create(revision(resource, wanted, number))
        except ClusterError as error:
            if wanted.name not in _named(resource.status):
                raise
            log.warning("the revision of %s could not be written: %s", wanted.name, error)
        return f"revision {wanted.name}"

    async def _persist(self, body: Manifest, decision: Decision) -> Manifest:
        status = fit(decision.status.to_dict())
        try:
            return await self._cluster.write_status({**body, "status": status})
        except TooLargeError:
            status.pop("ledger", None)
            return await self._cluster.write_status({**body, "status": status})

    def _writes(self, resource: SparkDeployment, snapshot: Snapshot) -> list[Write]:
        """What makes the children what status says, traffic first.

        Raises:
            StaleDecisionError: a child stems from a newer decision.
        """
        if snapshot.foreign and resource.status.stable is None:
            return []
        found = revisions(snapshot)
        releases = {name: kept for name, (kept, _) in found.items()}
        wanted = Release.of(resource.spec)
        releases.setdefault(wanted.name, wanted)
        return [
            *diff(
                render(resource, releases),
                snapshot.children,
                resource.metadata.uid,
                resource.status.epoch,
                unknown(resource, releases) | finished_jobs(resource) | frozenset(snapshot.foreign),
            ),
            *self._pruned(resource, snapshot, {n: number for n, (_, number) in found.items()}),
        ]

    async def _write(self, resource: SparkDeployment, writes: list[Write]) -> ClusterError | None:
        """Carry out every write, so that one that is refused holds up no other: first failure."""
        failure: ClusterError | None = None
        for write in writes:
            try:
                if isinstance(write, Delete):
                    await self._cluster.delete(resource.metadata.namespace, write)
                elif isinstance(write, Strip):
                    await self._cluster.strip(write.manifest)
                else:
                    await self._cluster.apply(write.manifest)
            except ClusterError as error:
                failure = failure or error
        return failure

    def _pruned(
        self, resource: SparkDeployment, snapshot: Snapshot, numbers: dict[str, int]
    ) -> list[Delete]:
        used = _named(resource.status) | {Release.of(resource.spec).name}
        gone = surplus_revisions(numbers, used, resource.spec.revision_history_limit)
        names = {child_name(resource.metadata.name, release) for release in gone}
        return [
            Delete(Ref("ControllerRevision", item["metadata"]["name"]), item["metadata"]["uid"])
            for item in snapshot.children
            if ref(item).kind == "ControllerRevision"
            and item["metadata"]["name"] in names
            and is_owned_by(item, resource.metadata.uid)
        ]

    async def _report_invalid(self, snapshot: Snapshot, error: InvalidResourceError) -> None:
        status = invalid_status(snapshot.resource, str(error), self._clock.now())
        if status == snapshot.resource.get("status"):
            return
        try:
            await self._cluster.write_status({**snapshot.resource, "status": status})
        except (ConflictError, GoneError):
            log.info("the invalid resource changed meanwhile")


def _named(status: SparkDeploymentStatus) -> frozenset[str]:
    """Releases that a status names, so that their revisions must stay."""
    roles = (status.stable, status.candidate, status.previous, status.override, *status.jobs)
    return frozenset(role.release for role in roles if role)


__all__ = ["Memory", "Reconciler", "StaleDecisionError", "Turned"]
