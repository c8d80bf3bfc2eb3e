"""Before a trial: install the first release, or make sure that a trial may start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import Weight
from spark_operator.api.values import seconds
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.jobs import runs, verification
from spark_operator.core.decide.phases.preparation import prepare
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.rollback import fail
from spark_operator.core.decide.signals import freeze
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobKind
    from spark_operator.core.decide.draft import RolloutDraft

ABOUT_TRAFFIC: Final[tuple[JobKind, ...]] = ("verify", "compare", "traffic")
"""Jobs that are about a trial and its traffic, and of no use to the next one."""
SETTLE_SECONDS: Final = 5.0
"""How often it is looked whether an earlier release is gone, should its last event be lost."""


def pending(draft: RolloutDraft) -> None:
    """Install the first release, or get ready for a trial."""
    if draft.status.stable is None:
        _install(draft)
        return
    desired = draft.desired.name
    if desired == draft.status.stable.release:
        draft.set(failure=None)
        draft.transition(Phase.STABLE)
        return
    held = quarantine.find(draft.status, desired)
    if held:
        message = (
            f"{draft.desired.image} was quarantined at {held.at:%Y-%m-%d %H:%M:%S}Z"
            f" ({held.reason}): apply another release, or let it out with the annotation"
            f" spark.dev/let-out: {desired}@TOKEN"
        )
        fail(
            draft,
            draft.role(draft.desired),
            RolloutOutcome.FAILED,
            DecisionReason.RELEASE_QUARANTINED,
            message,
        )
        draft.transition(Phase.ROLLED_BACK)
        return
    if draft.status.failure and draft.status.failure.release == desired:
        draft.transition(Phase.ROLLED_BACK)
        return
    if freeze.hold_back(draft) is Progress.WAIT:
        return
    if draft.third_release:
        draft.requeue_at(draft.now + SETTLE_SECONDS)
        return
    _start_trial(draft)


def _install(draft: RolloutDraft) -> None:
    role = draft.status.candidate
    if role is None or role.release != draft.desired.name:
        draft.set(
            candidate=draft.role(draft.desired),
            weight=Weight(desired=100, actual=0),
            step=None,
            failure=None,
        )
        draft.record(
            LedgerDecision.INSTALLING,
            DecisionReason.FIRST_RELEASE,
            f"first release {draft.desired.image} is being started: nothing to compare it with",
            release=draft.desired.name,
        )
        draft.requeue_at(draft.now)
        prepare(draft)
        return
    if draft.candidate.ready < draft.spec.replicas:
        deadline = role.since.timestamp() + seconds(draft.spec.strategy.canary.progress_deadline)
        if draft.now < deadline:
            draft.requeue_at(deadline)
        return
    if verification.verify(draft) is not Progress.DONE:
        return
    draft.set(stable=role.model_copy(update={"since": draft.at}), candidate=None, weight=Weight())
    draft.close(role, RolloutOutcome.PROMOTED, DecisionReason.FIRST_RELEASE)
    draft.transition(Phase.STABLE)
    draft.record(
        LedgerDecision.INSTALLED,
        DecisionReason.FIRST_RELEASE,
        f"{role.image} is stable: {draft.spec.replicas} of {draft.spec.replicas} pods are ready",
        release=role.release,
    )


def _start_trial(draft: RolloutDraft) -> None:
    draft.set(
        candidate=draft.role(draft.desired),
        previous=None,
        failure=None,
        verdict=None,
        judge=None,
        judge_at=None,
        first_traffic_at=None,
        worst_case=None,
        step=None,
        held=False,
        weight=Weight(),
    )
    runs.forget(draft, *ABOUT_TRAFFIC)
    prepare(draft)
