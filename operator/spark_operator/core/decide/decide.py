"""``decide``: from what is asked for, what was decided and what was seen to what to do next.

A pure function: the same values give the same decision, on any replica, at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.status import (
    ReleaseStatus,
    Weight,
)
from spark_operator.core.decide import judging, requests
from spark_operator.core.decide.decision import Decision
from spark_operator.core.decide.draft import Turn, actual_weight
from spark_operator.core.decide.epoch import moves_children
from spark_operator.core.decide.guards import GUARDS
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.decide.phases.at_rest import rolled_back, rolling_back, stable
from spark_operator.core.decide.phases.pending import pending
from spark_operator.core.decide.phases.preparation import migrating, preflight
from spark_operator.core.decide.phases.progressing import paused, progressing
from spark_operator.core.decide.phases.promotion import guarding, promoting
from spark_operator.core.decide.report import notices
from spark_operator.core.decide.report.conditions import conditions
from spark_operator.core.decide.report.diagnosis import diagnose
from spark_operator.core.decide.signals import (
    alerts,
    audit,
    freeze,
    isolation,
    maintenance,
    outage,
    rotation,
)
from spark_operator.core.model.labels import selector_text
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.release import Release

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.values import Workload

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
    maintenance.settle(turn)
    alerts.consume(turn)
    runs.settle(turn)
    if isolation.settle(turn):
        turn.judge = observations.judge
    elif not observations.foreign or turn.status.stable is not None:
        rotation.notice(turn)
        judging.consult_judge(turn)
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


def _conclude(turn: Turn) -> None:
    judging.checkpoint(turn)
    freeze.tell(turn)
    turn.set(diagnosis=diagnose(turn))
    outage.notice(turn)
    notices.settle(turn)
    stable = turn.status.stable
    turn.set(
        conditions=conditions(turn),
        replicas=stable.pods if stable else 0,
        ready_replicas=stable.ready if stable else 0,
    )
    known = max(turn.resource.status.epoch, turn.observations.epoch)
    if known > turn.resource.status.epoch or moves_children(turn.resource.status, turn.status):
        turn.set(epoch=known + 1)
    notices.announce(turn)
