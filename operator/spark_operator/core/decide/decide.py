"""``decide``: from what is asked for, what was decided and what was seen to what to do next.

A pure function: the same values give the same decision, on any replica, at any time.

The order of its steps carries meaning:

1. What is seen is written into the draft first (roles, maintenance, alerts, ended Jobs), so that
   every later step decides on the same world.
2. An isolation stops everything below it: nothing moves while a service is investigated.
3. The judge is heard before people's requests are carried out: a request never hides a failure.
4. Requests come before alerts and guards, so that an abort is an abort, whatever else is true.
5. Alerts, then the guards in their order, may act in every phase; the first that acts ends the
   step, so a failing release is cut before a newer spec, a quarantine or a deadline is looked at.
6. Only then does the phase itself act.
7. The report (conditions, diagnosis, notices) is written last and moves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.status import (
    ReleaseStatus,
    Weight,
)
from spark_operator.core.decide import judging, requests
from spark_operator.core.decide.containment import contain
from spark_operator.core.decide.decision import Decision
from spark_operator.core.decide.draft import RolloutDraft, actual_weight
from spark_operator.core.decide.epoch import moves_children
from spark_operator.core.decide.guards import GUARDS
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.decide.phases.at_rest import rolled_back, rolling_back, stable
from spark_operator.core.decide.phases.pending import pending
from spark_operator.core.decide.phases.preparation import migrating, preflight
from spark_operator.core.decide.phases.progressing import paused, progressing
from spark_operator.core.decide.phases.promotion import guarding, promoting
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.report import notices
from spark_operator.core.decide.report.conditions import conditions, with_internal_error
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
from spark_operator.core.model import accepted_spec
from spark_operator.core.model.labels import selector_text
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.release import Release
from spark_operator.core.model.roles import has_begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.values import Workload

HANDLERS: Final[dict[Phase, Callable[[RolloutDraft], None]]] = {
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
    """Decide about one resource; ``now`` is seconds since the epoch.

    The decision's status is complete: what it does not name shall not exist.  No error of one part
    keeps the others from acting: see ``contain``.
    """
    draft = RolloutDraft(
        resource=resource,
        observations=observations,
        now=now,
        plan=judge_plan(resource.spec),
        status=resource.status,
        desired=_desired(resource, observations),
        failures=list(observations.failures),
    )
    _observe(draft)
    if contain(draft, "isolation", isolation.settle, _while_isolated(draft)) is Progress.WAIT:
        draft.judge = observations.judge
    elif not observations.foreign or has_begun(draft.status):
        _act(draft)
    _conclude(draft)
    return Decision(
        status=draft.status,
        events=tuple(draft.events),
        next_due=min(draft.requeue_times, default=None),
        judge=draft.judge,
        watch=draft.watch,
        alerts=tuple(draft.alerts),
        failures=tuple(draft.failures),
    )


def _observe(draft: RolloutDraft) -> None:
    """Write what is seen into the draft."""
    contain(draft, "override", _forget_override, None)
    contain(draft, "audit", audit.notice, None)
    contain(draft, "accepted spec", _keep_accepted, None)
    contain(draft, "roles", _observe_roles, None)
    contain(draft, "maintenance", maintenance.settle, None)
    contain(draft, "alerts", alerts.consume, None)
    contain(draft, "Jobs", runs.settle, None)


def _act(draft: RolloutDraft) -> None:
    """Hear the judge and people, cut where it must be, and let the phase go on where nothing is."""
    contain(draft, "credentials", rotation.notice, None)
    contain(draft, "judge", judging.consult_judge, None)
    requests.consume(draft)
    if _cut_short(draft) is Progress.DONE:
        contain(draft, f"phase {draft.phase}", HANDLERS[draft.phase], None)


def _while_isolated(draft: RolloutDraft) -> Progress:
    return Progress.WAIT if draft.spec.isolated else Progress.DONE


def _cut_short(draft: RolloutDraft) -> Progress:
    """Let alerts and guards act before the phase does; the first that acts is the only one."""
    if contain(draft, "alert", alerts.act_on_alerts, Progress.DONE) is Progress.LEFT_PHASE:
        return Progress.LEFT_PHASE
    for guard in GUARDS:
        name = guard.__name__.replace("_", " ")
        if contain(draft, name, guard, Progress.DONE) is Progress.LEFT_PHASE:
            return Progress.LEFT_PHASE
    return Progress.DONE


def _desired(resource: SparkDeployment, observations: Observations) -> Release:
    """The release the spec names, or the older one that a person asked for instead of it."""
    named, override = Release.of(resource.spec), resource.status.override
    if override is None or override.instead_of != named.name:
        return named
    return observations.revisions.get(override.release, named)


def _forget_override(draft: RolloutDraft) -> None:
    override = draft.status.override
    if override is not None and override.instead_of != Release.of(draft.spec).name:
        draft.set(override=None)


def _observe_roles(draft: RolloutDraft) -> None:
    status = draft.status
    draft.set(
        observed_generation=draft.resource.metadata.generation,
        stable=_seen(draft, status.stable),
        candidate=_seen(draft, status.candidate),
        previous=_seen(draft, status.previous),
        weight=Weight(desired=status.weight.desired, actual=actual_weight(draft)),
        selector=selector_text(
            draft.resource.metadata.name, status.stable.release if status.stable else None
        ),
    )


def _seen(draft: RolloutDraft, role: ReleaseStatus | None) -> ReleaseStatus | None:
    if role is None:
        return None
    work: Workload = draft.observations.workload(role.release)
    return role.model_copy(
        update={
            "pods": len(work.live),
            "ready": work.ready,
            "digest": work.digest or role.digest,
        }
    )


def _keep_accepted(draft: RolloutDraft) -> None:
    """Keep a spec that is valid: it stays in force while a later one is not."""
    status, meta = draft.status, draft.resource.metadata
    is_new = status.accepted_spec is None or status.observed_generation != meta.generation
    if is_new and not draft.observations.invalid:
        draft.set(accepted_spec=accepted_spec.encode(draft.spec.to_dict()))


def _conclude(draft: RolloutDraft) -> None:
    """Write the report, which moves nothing."""
    contain(draft, "checkpoint", judging.checkpoint, None)
    contain(draft, "freeze", freeze.tell, None)
    contain(draft, "diagnosis", _diagnose, None)
    contain(draft, "outage", outage.notice, None)
    contain(draft, "outbox", notices.settle, None)
    contain(draft, "slow channels", notices.requeue_for_slow_channels, None)
    contain(draft, "scale", _count_replicas, None)
    contain(draft, "conditions", _write_conditions, None)
    known = max(draft.resource.status.epoch, draft.observations.epoch)
    if known > draft.resource.status.epoch or moves_children(draft.resource.status, draft.status):
        draft.set(epoch=known + 1)
    contain(draft, "notifications", notices.announce, None)
    if draft.failures:
        draft.set(conditions=with_internal_error(draft))


def _diagnose(draft: RolloutDraft) -> None:
    draft.set(diagnosis=diagnose(draft))


def _write_conditions(draft: RolloutDraft) -> None:
    draft.set(conditions=conditions(draft))


def _count_replicas(draft: RolloutDraft) -> None:
    stable = draft.status.stable
    draft.set(replicas=stable.pods if stable else 0, ready_replicas=stable.ready if stable else 0)
