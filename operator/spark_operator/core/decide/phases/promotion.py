"""From the last step to stable: all pods, all traffic, the name, and the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import ReleaseStatus, Weight
from spark_operator.api.values import seconds
from spark_operator.core import judge
from spark_operator.core.decide.draft import TICK_SECONDS
from spark_operator.core.decide.jobs import runs, verification
from spark_operator.core.decide.phases.launch import launch
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.decide.signals import alerts, freeze
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.maintenance import in_maintenance
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft

MOST_BLIND_SECONDS: Final = 25.0
"""Without a checkpoint of the judge for longer than this, nobody has watched."""
LAST_WATCH_SECONDS: Final = 30.0
"""A guard ends after at least this time of watching without a gap."""


def promoting(draft: RolloutDraft) -> None:
    """Give the candidate all its pods, then all traffic, then the name stable."""
    draft.watch = True
    draft.requeue_at(draft.now + TICK_SECONDS)
    role = draft.on_trial
    if _outlasts_maintenance(draft):
        held = draft.status.held
        launch(draft)
        draft.set(held=held)
        return
    if draft.candidate.ready < draft.spec.replicas:
        return
    if draft.status.weight.desired < 100:
        if draft.spec.paused or draft.status.held or alerts.holds(draft):
            return
        if _verify_in_maintenance(draft) is not Progress.DONE:
            return
        draft.set_weight(100)
        if draft.status.first_traffic_at is None:
            draft.set(first_traffic_at=draft.at)
        draft.requeue_at(draft.now)
        draft.record(
            LedgerDecision.TRAFFIC_SWITCHED,
            DecisionReason.CANDIDATE_READY,
            f"all {draft.spec.replicas} candidate pods are ready: all new connections go to them",
            release=role.release,
        )
        return
    if draft.observations.route is None or draft.observations.route.release != role.release:
        return
    _promote(draft, role)


def _outlasts_maintenance(draft: RolloutDraft) -> bool:
    """Whether users came back before the switch that they were not to notice."""
    step = draft.status.step
    unserved = step is not None and step.in_maintenance and draft.status.weight.desired < 100
    return unserved and not in_maintenance(draft.status)


def _verify_in_maintenance(draft: RolloutDraft) -> Progress:
    """Verify a release that no user tries before the switch."""
    step = draft.status.step
    if step is None or not step.in_maintenance:
        return Progress.DONE
    return verification.verify(draft)


def _promote(draft: RolloutDraft, role: ReleaseStatus) -> None:
    guard = seconds(draft.spec.guard.duration)
    draft.close(role, RolloutOutcome.PROMOTED, DecisionReason.PASSED)
    draft.record_baseline(promoted=True)
    # Each synthetic request that is still to come would cost a provider's answer for nothing.
    runs.forget(draft, "verify", "compare", "traffic")
    draft.set(
        previous=draft.status.stable if guard else None,
        stable=role.model_copy(update={"since": draft.at}),
        candidate=None,
        weight=Weight(),
        step=None,
    )
    draft.transition(Phase.GUARDING if guard else Phase.STABLE)
    watch = (
        f"the previous release stays warm for {draft.spec.guard.duration}" if guard else "no guard"
    )
    draft.record(
        LedgerDecision.PROMOTED,
        DecisionReason.PASSED,
        f"{role.image} is stable now; {watch}",
        release=role.release,
    )


def _watch_to_the_end(draft: RolloutDraft, *, in_vain: bool) -> Progress:
    """Watch the last part of the guard: an operator that was away has seen nothing.

    After a gap the judge's step starts anew, which its checkpoint keeps across restarts, and so it
    does while the watch is ``in_vain``.
    """
    last = draft.status.judge_at
    if draft.judge is None or draft.verdict is None or last is None:
        return Progress.WAIT
    if in_vain or draft.now - last.timestamp() > MOST_BLIND_SECONDS:
        draft.judge = judge.at_step(draft.plan, draft.judge, draft.now)
        return Progress.WAIT
    wanted = min(seconds(draft.spec.guard.duration), LAST_WATCH_SECONDS)
    return Progress.DONE if draft.verdict.step_seconds >= wanted else Progress.WAIT


def _is_suspected(draft: RolloutDraft) -> bool:
    """Whether errors above the warning may yet become a verdict.

    A restart of the operator costs the evidence since its last checkpoint: a guard that ended by
    the clock alone would let a failing release through.
    """
    verdict = draft.verdict
    return (
        verdict is not None
        and verdict.reason is judge.VerdictReason.ERROR_RATE_WARNING
        and not verdict.shared
    )


def _unseen(draft: RolloutDraft) -> str:
    """Return in words that no reading comes, so that nobody can say how it does; else empty."""
    verdict = draft.verdict
    return verdict.message if verdict and verdict.kind is judge.VerdictKind.NO_DATA else ""


def guarding(draft: RolloutDraft) -> None:
    """Watch the promoted release while the previous one stays warm."""
    stable, previous = draft.status.stable, draft.status.previous
    if stable is None or previous is None:
        draft.transition(Phase.STABLE)
        return
    if draft.desired.name == previous.release:
        roll_back(
            draft,
            RolloutOutcome.ABORTED,
            DecisionReason.SPEC_REVERTED,
            "the spec names the previous release again",
        )
        return
    if draft.desired.name != stable.release and not freeze.frozen(draft):
        draft.set(previous=None)
        draft.transition(Phase.PENDING)
        return
    draft.watch = True
    verified = verification.verify(draft)
    if verified is Progress.LEFT_PHASE:
        return
    is_verified = verified is Progress.DONE or verification.is_shared(draft)
    guard, unseen = seconds(draft.spec.guard.duration), _unseen(draft)
    # Twice as long and no longer: what has proven nothing by then holds nobody up
    undecided = bool(unseen) or _is_suspected(draft)
    end = stable.since.timestamp() + (2 * guard if undecided else guard)
    watched = _watch_to_the_end(draft, in_vain=bool(unseen) and draft.now < end)
    if draft.now < end or watched is Progress.WAIT or not is_verified:
        draft.requeue_at(draft.now + TICK_SECONDS)
        return
    _end_guard(draft, stable, unseen)


def _end_guard(draft: RolloutDraft, stable: ReleaseStatus, unseen: str) -> None:
    draft.record_baseline(promoted=True)
    runs.forget(draft, "compare")
    draft.set(previous=None)
    draft.transition(Phase.STABLE)
    seen = f"was watched for {draft.spec.guard.duration} without a failure"
    if unseen:
        seen = f"could not be watched to the end, {unseen}"
    draft.record(
        LedgerDecision.GUARD_ENDED,
        DecisionReason.UNWATCHED if unseen else DecisionReason.GUARD_ENDED,
        f"{stable.image} {seen}: the previous release is stopped",
        release=stable.release,
    )
