"""During a trial: bring the candidate to its weight, wait for the judge, take the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status.status import StepStatus
from spark_operator.api.values import seconds
from spark_operator.core import judge
from spark_operator.core.decide.draft import TICK_SECONDS
from spark_operator.core.decide.exposure import foresee
from spark_operator.core.decide.jobs import verification
from spark_operator.core.decide.jobs.low_traffic import by_readiness, send_synthetic
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.signals import alerts, maintenance
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.model.weights import candidate_pods

if TYPE_CHECKING:
    from spark_operator.api.strategy import Step
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.model.reasons import Reason


def progressing(draft: RolloutDraft) -> None:
    """Bring the candidate to its step's weight, then wait for the judge's Pass."""
    draft.watch = True
    draft.requeue_at(draft.now + TICK_SECONDS)
    foresee(draft)
    if _hold(draft) is Progress.LEFT_PHASE:
        return
    if maintenance.blind(draft) or _reach_weight(draft) is Progress.WAIT:
        return
    if alerts.holds(draft) or not _has_had_its_time(draft):
        return
    why = _why_done(draft)
    if not why:
        send_synthetic(draft, _longest(draft), _step(draft).min_requests)
        return
    if verification.verify(draft) is Progress.DONE:
        _leave_step(draft, why)


def _hold(draft: RolloutDraft) -> Progress:
    """Pause where the spec or a person asks for it."""
    if draft.spec.paused:
        why = "spec.paused is true: the weight is held, the watch goes on"
        return _pause(draft, DecisionReason.SPEC_PAUSED, why)
    if draft.status.held:
        why = "a person asked to hold: go on with the annotation spark.dev/resume: TOKEN"
        return _pause(draft, DecisionReason.PAUSE_REQUESTED, why)
    return Progress.DONE


def _leave_step(draft: RolloutDraft, why: str) -> None:
    """Take the next step, or wait for the person that this one is left by."""
    if _awaits_approval(draft):
        ask = "the step waits for a person: annotate the resource with spark.dev/approve: TOKEN"
        _pause(draft, DecisionReason.MANUAL_STEP, ask)
        return
    passed = DecisionReason.PASSED if _judged(draft) else DecisionReason.READINESS_ONLY
    next_step(draft, why, passed)


def _step(draft: RolloutDraft) -> Step:
    steps = draft.spec.strategy.canary.steps
    index = draft.status.step.index if draft.status.step else 0
    return steps[min(index, len(steps) - 1)]


def _pause(draft: RolloutDraft, reason: Reason, message: str) -> Progress:
    draft.transition(Phase.PAUSED)
    draft.record(LedgerDecision.PAUSED, reason, message, release=draft.on_trial.release)
    return Progress.LEFT_PHASE


def _reach_weight(draft: RolloutDraft) -> Progress:
    """Wait until the wanted pods are ready; from then on samples at this weight count."""
    step = draft.status.step
    if step is None:
        return Progress.WAIT
    if step.observed_since is not None:
        return Progress.DONE
    if draft.candidate.ready < candidate_pods(draft.spec.replicas, draft.status.weight.desired):
        return Progress.WAIT
    if draft.status.first_traffic_at is None and (draft.third_release or _surplus(draft)):
        return Progress.WAIT
    draft.set(step=step.model_copy(update={"observed_since": draft.at}))
    if draft.judge is not None:
        draft.judge = judge.at_step(draft.plan, draft.judge, draft.now)
    if draft.status.first_traffic_at is None and draft.status.weight.desired > 0:
        draft.set(first_traffic_at=draft.at)
        draft.record(
            LedgerDecision.TRAFFIC_STARTED,
            DecisionReason.CANDIDATE_READY,
            f"{draft.candidate.ready} candidate pods are ready: first traffic,"
            f" {draft.status.weight.desired}% wanted",
            release=draft.on_trial.release,
        )
    draft.requeue_at(draft.now)
    return Progress.WAIT


def _surplus(draft: RolloutDraft) -> bool:
    """Whether more pods are left than this weight allows, of a switch that came to nothing."""
    wanted = candidate_pods(draft.spec.replicas, draft.status.weight.desired)
    return len(draft.candidate.live) > wanted


def _has_had_its_time(draft: RolloutDraft) -> bool:
    """Whether the step lasted for as long as its plan asks for, from when its samples count."""
    status = draft.status.step
    if status is None or status.observed_since is None:
        return False
    return draft.now - status.observed_since.timestamp() >= seconds(_step(draft).min_duration)


def _longest(draft: RolloutDraft) -> float:
    """Longest time of the step, in seconds."""
    return seconds(_step(draft).max_duration or draft.spec.strategy.canary.progress_deadline)


def _why_done(draft: RolloutDraft) -> str:
    """Why this step may be left; empty while it may not."""
    if draft.status.weight.desired == 0:
        return "ready for the step's whole time, without traffic"
    if _judged(draft):
        return draft.verdict.message if draft.verdict else ""
    return by_readiness(draft, _longest(draft), _step(draft).min_requests)


def _judged(draft: RolloutDraft) -> bool:
    """Whether the judge has passed the candidate at this weight, or there was nothing to judge."""
    if draft.status.weight.desired == 0:
        return True
    if draft.judge is None or draft.verdict is None or draft.verdict.kind != "Pass":
        return False
    return draft.verdict.step_requests >= _step(draft).min_requests


def next_step(draft: RolloutDraft, why: str, reason: Reason = DecisionReason.PASSED) -> None:
    """Raise the weight to the next entry of the plan, or promote after the last but one."""
    steps = draft.spec.strategy.canary.steps
    index = (draft.status.step.index if draft.status.step else 0) + 1
    if index >= len(steps) or steps[index].weight == 100:
        promote(draft, why, reason)
        return
    draft.set_weight(steps[index].weight)
    draft.set(step=StepStatus(index=index, total=len(steps), entered_at=draft.at))
    if draft.phase is Phase.PAUSED:
        draft.transition(Phase.PROGRESSING)
    draft.requeue_at(draft.now)
    draft.record(
        LedgerDecision.STEP_ADVANCED,
        reason,
        f"to {steps[index].weight}%: {why}",
        release=draft.on_trial.release,
    )


def promote(draft: RolloutDraft, why: str, reason: Reason) -> None:
    """Leave the steps behind: all traffic, as soon as all pods are ready."""
    total = len(draft.spec.strategy.canary.steps)
    draft.set(step=StepStatus(index=total - 1, total=total, entered_at=draft.at), held=False)
    draft.transition(Phase.PROMOTING)
    draft.record(
        LedgerDecision.PROMOTING, reason, f"to 100%: {why}", release=draft.on_trial.release
    )


def paused(draft: RolloutDraft) -> None:
    """Hold the weight until a person lets the rollout go on; the step's deadline starts anew."""
    draft.watch = True
    draft.requeue_at(draft.now + TICK_SECONDS)
    if draft.spec.paused or draft.status.held or _awaits_approval(draft):
        return
    if draft.status.step:
        draft.set(step=draft.status.step.model_copy(update={"entered_at": draft.at}))
    draft.transition(Phase.PROGRESSING)
    draft.record(
        LedgerDecision.RESUMED,
        DecisionReason.RESUMED,
        "the pause is over",
        release=draft.on_trial.release,
    )


def _awaits_approval(draft: RolloutDraft) -> bool:
    """Whether the step has had its time and is to be left by a person's word only."""
    step, status = _step(draft), draft.status.step
    if not step.manual or status is None or status.approved or status.observed_since is None:
        return False
    return draft.now - status.observed_since.timestamp() >= seconds(step.min_duration)
