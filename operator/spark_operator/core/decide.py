"""``decide``: from what is asked for, what was decided and what was seen to what to do next.

A pure function: the same values give the same decision, on any replica, at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import MAX_COUNT
from spark_operator.api.status import (
    MAX_EVIDENCE,
    EvidenceStatus,
    ReleaseStatus,
    SparkDeploymentStatus,
    VerdictStatus,
    Weight,
)
from spark_operator.core import (
    alerts,
    audit,
    credentials,
    isolation,
    jobs,
    judge,
    outage,
    requests,
    rotation,
    windows,
)
from spark_operator.core.conditions import conditions
from spark_operator.core.diagnosis import diagnose
from spark_operator.core.guards import GUARDS, WATCHED, actual_weight
from spark_operator.core.labels import selector_text
from spark_operator.core.notifications import post
from spark_operator.core.pending import pending
from spark_operator.core.phases import Phase
from spark_operator.core.plan import judge_plan
from spark_operator.core.preparation import migrating, preflight
from spark_operator.core.promotion import guarding, promoting
from spark_operator.core.release import Release
from spark_operator.core.settled import rolled_back, rolling_back, stable
from spark_operator.core.trial import paused, progressing
from spark_operator.core.turn import Turn, clip
from spark_operator.core.types import Decision

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.judge import Verdict
    from spark_operator.core.observations import Observations
    from spark_operator.core.types import Workload

HANDLERS: Final[dict[Phase, Callable[[Turn], None]]] = {
    Phase.PENDING: pending,
    Phase.PREFLIGHT: preflight,
    Phase.MIGRATING: migrating,
    Phase.PROGRESSING: progressing,
    Phase.PAUSED: paused,
    Phase.PROMOTING: promoting,
    Phase.GUARDING: guarding,
    Phase.STABLE: stable,
    Phase.ROLLING_BACK: rolling_back,
    Phase.ROLLED_BACK: rolled_back,
}
CHECKPOINT_SECONDS: Final = 10.0
"""How much of the judge's state a restart may lose."""


def decide(resource: SparkDeployment, observations: Observations, now: float) -> Decision:
    """Decide one turn of one resource; ``now`` is seconds since the epoch.

    The decision's status is complete: what it does not name shall not exist.
    """
    turn = Turn(
        resource=resource,
        observations=observations,
        now=now,
        plan=judge_plan(resource.spec),
        status=resource.status,
        desired=_desired(resource, observations),
    )
    _forget_override(turn)
    audit.notice(turn)
    _observe_roles(turn)
    windows.settle(turn)
    alerts.consume(turn)
    jobs.settle(turn)
    if isolation.settle(turn):
        turn.judge = observations.judge
    elif not observations.foreign or turn.status.stable is not None:
        rotation.notice(turn)
        _consult_judge(turn)
        requests.consume(turn)
        if not alerts.alerted(turn) and not any(guard(turn) for guard in GUARDS):
            HANDLERS[turn.phase](turn)
    _conclude(turn)
    return Decision(
        status=turn.status,
        events=tuple(turn.events),
        next_due=min(turn.dues, default=None),
        judge=turn.judge,
        watch=turn.watch,
        alerts=tuple(turn.alerts),
    )


def _desired(resource: SparkDeployment, observations: Observations) -> Release:
    """The release the spec names, or the older one that a person asked for instead of it."""
    named, override = Release.of(resource.spec), resource.status.override
    if override is None or override.instead_of != named.name:
        return named
    return observations.revisions.get(override.release, named)


def _forget_override(turn: Turn) -> None:
    override = turn.status.override
    if override is not None and override.instead_of != Release.of(turn.spec).name:
        turn.set(override=None)


def _observe_roles(turn: Turn) -> None:
    status = turn.status
    turn.set(
        observed_generation=turn.resource.metadata.generation,
        stable=_seen(turn, status.stable),
        candidate=_seen(turn, status.candidate),
        previous=_seen(turn, status.previous),
        weight=Weight(desired=status.weight.desired, actual=actual_weight(turn)),
        selector=selector_text(
            turn.resource.metadata.name, status.stable.release if status.stable else None
        ),
    )


def _seen(turn: Turn, role: ReleaseStatus | None) -> ReleaseStatus | None:
    if role is None:
        return None
    work: Workload = turn.observations.workload(role.release)
    return role.model_copy(
        update={
            "pods": len(work.live),
            "ready": work.ready,
            "digest": work.digest or role.digest,
        }
    )


def _consult_judge(turn: Turn) -> None:
    """Feed the latest samples to the judge and hear its verdict, while a release is watched.

    What is read in maintenance is passed over: only a failure proven before it counts then.
    """
    if turn.phase not in WATCHED:
        return
    turn.judge = turn.observations.judge or _restored(turn)
    rests = windows.rests(turn)
    if rests:
        turn.judge = judge.resume(turn.judge, turn.now)
    elif turn.observations.tick is not None:
        turn.judge = judge.observe(turn.plan, turn.judge, turn.observations.tick)
    said = judge.verdict(turn.plan, turn.judge, turn.now)
    if said.shared:
        turn.judge = judge.forgive(turn.judge, turn.now)
    turn.verdict = None if rests and said.kind != judge.Kind.FAIL else said


def _restored(turn: Turn) -> judge.JudgeState:
    """The judge's state from its checkpoint, or a new one, which knows nothing."""
    if turn.status.judge:
        try:
            return judge.decode(turn.plan, turn.status.judge)
        except judge.JudgeStateError:
            pass
    return judge.start(turn.plan, turn.now)


def _conclude(turn: Turn) -> None:
    _checkpoint(turn)
    windows.tell(turn)
    turn.set(diagnosis=diagnose(turn))
    outage.notice(turn)
    post.settle(turn)
    stable = turn.status.stable
    turn.set(
        conditions=conditions(turn),
        replicas=stable.pods if stable else 0,
        ready_replicas=stable.ready if stable else 0,
    )
    known = max(turn.resource.status.epoch, turn.observations.epoch)
    if known > turn.resource.status.epoch or _moves(turn.resource.status, turn.status):
        turn.set(epoch=known + 1)
    post.announce(turn)


def _checkpoint(turn: Turn) -> None:
    """Write the verdict and the judge's state when they say something new, or every 10 s."""
    if turn.spec.isolated:
        return
    if turn.phase not in WATCHED or turn.judge is None:
        if turn.status.judge is not None:
            turn.set(judge=None, judge_at=None)
        if turn.verdict is not None:
            turn.set(verdict=told(turn.verdict, turn.at))
        return
    last, said = turn.status.judge_at, turn.status.verdict
    changed = turn.verdict is not None and (
        said is None or (said.verdict, said.reason) != (turn.verdict.kind, turn.verdict.reason)
    )
    before, after = turn.resource.status, turn.status
    moved = before.step != after.step or _moves(before, after)
    due = last is None or turn.now - last.timestamp() >= CHECKPOINT_SECONDS
    if not (changed or due or moved):
        return
    turn.set(judge=judge.encode(turn.judge), judge_at=turn.at)
    if turn.verdict is not None:
        turn.set(verdict=told(turn.verdict, turn.at))


def told(verdict: Verdict, at: datetime) -> VerdictStatus:
    """The judge's verdict as status keeps it."""
    evidence = tuple(
        EvidenceStatus(
            metric=item.metric,
            n=int(min(item.n, MAX_COUNT)),
            value=f"{item.value:.4g}",
            bound="" if item.bound is None else f"{item.bound:.4g}",
            threshold=f"{item.threshold:.4g}",
            stable="" if item.stable_value is None else f"{item.stable_value:.4g}",
        )
        for item in verdict.evidence[:MAX_EVIDENCE]
    )
    return VerdictStatus(
        verdict=verdict.kind,
        reason=verdict.reason,
        message=clip(verdict.message),
        at=at,
        evidence=evidence,
    )


def _moves(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> bool:
    """Whether a decision changes what the children should be."""

    def projected(status: SparkDeploymentStatus) -> tuple[object, ...]:
        return (
            status.phase,
            status.stable and status.stable.release,
            status.candidate and status.candidate.release,
            status.previous and status.previous.release,
            status.weight.desired,
            status.maintenance,
            status.first_traffic_at is None,
            isolation.recorded(status),
            credentials.count(status),
        )

    return projected(before) != projected(after)
