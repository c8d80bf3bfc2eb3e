"""During a trial: bring the candidate to its weight, wait for the judge, take the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status.status import StepStatus
from spark_operator.api.values import seconds
from spark_operator.core import judge
from spark_operator.core.decide.draft import TICK_SECONDS
from spark_operator.core.decide.exposure import foresee
from spark_operator.core.decide.jobs import verification
from spark_operator.core.decide.jobs.low_traffic import on_low_traffic
from spark_operator.core.decide.signals import alerts, maintenance
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.weights import candidate_pods

if TYPE_CHECKING:
    from spark_operator.api.strategy import Step
    from spark_operator.core.decide.draft import RolloutDraft


def progressing(draft: RolloutDraft) -> None:
    """Bring the candidate to its step's weight, then wait for the judge's Pass."""
    draft.watch = True
    draft.requeue_at(draft.now + TICK_SECONDS)
    foresee(draft)
    if draft.spec.paused:
        _pause(draft, "SpecPaused", "spec.paused is true: the weight is held, the watch goes on")
        return
    if draft.status.held:
        _pause(
            draft,
            "PauseRequested",
            "a person asked to hold: go on with the annotation spark.dev/resume: TOKEN",
        )
        return
    if maintenance.blind(draft) or not _reach_weight(draft):
        return
    if alerts.holds(draft):
        return
    why = _why_done(draft)
    if not why or not verification.passed(draft):
        return
    if _awaits_approval(draft):
        _pause(
            draft,
            "ManualStep",
            "the step waits for a person: annotate the resource with spark.dev/approve: TOKEN",
        )
        return
    next_step(draft, why, "Passed" if _judged(draft) else "ReadinessOnly")


def _step(draft: RolloutDraft) -> Step:
    steps = draft.spec.strategy.canary.steps
    index = draft.status.step.index if draft.status.step else 0
    return steps[min(index, len(steps) - 1)]


def _pause(draft: RolloutDraft, reason: str, message: str) -> None:
    draft.transition(Phase.PAUSED)
    draft.record("Paused", reason, message, release=draft.on_trial.release)


def _reach_weight(draft: RolloutDraft) -> bool:
    """Whether the wanted pods are ready and samples at this weight count."""
    step = draft.status.step
    if step is None:
        return False
    if step.observed_since is not None:
        return True
    if draft.candidate.ready < candidate_pods(draft.spec.replicas, draft.status.weight.desired):
        return False
    if draft.status.first_traffic_at is None and (draft.third_release or _surplus(draft)):
        return False
    draft.set(step=step.model_copy(update={"observed_since": draft.at}))
    if draft.judge is not None:
        draft.judge = judge.at_step(draft.plan, draft.judge, draft.now)
    if draft.status.first_traffic_at is None and draft.status.weight.desired > 0:
        draft.set(first_traffic_at=draft.at)
        draft.record(
            "TrafficStarted",
            "CandidateReady",
            f"{draft.candidate.ready} candidate pods are ready: first traffic,"
            f" {draft.status.weight.desired}% wanted",
            release=draft.on_trial.release,
        )
    draft.requeue_at(draft.now)
    return False


def _surplus(draft: RolloutDraft) -> bool:
    """Whether more pods are left than this weight allows, of a switch that came to nothing."""
    wanted = candidate_pods(draft.spec.replicas, draft.status.weight.desired)
    return len(draft.candidate.live) > wanted


def _why_done(draft: RolloutDraft) -> str:
    """Why this step may be left; empty while it may not."""
    step, status = _step(draft), draft.status.step
    if status is None or status.observed_since is None:
        return ""
    if draft.now - status.observed_since.timestamp() < seconds(step.min_duration):
        return ""
    if draft.status.weight.desired == 0:
        return "ready for the step's whole time, without traffic"
    if _judged(draft):
        return draft.verdict.message if draft.verdict else ""
    canary = draft.spec.strategy.canary
    limit = seconds(step.max_duration or canary.progress_deadline)
    return on_low_traffic(draft, limit, step.min_requests)


def _judged(draft: RolloutDraft) -> bool:
    """Whether the judge has passed the candidate at this weight, or there was nothing to judge."""
    if draft.status.weight.desired == 0:
        return True
    if draft.judge is None or draft.verdict is None or draft.verdict.kind != "Pass":
        return False
    return draft.verdict.step_requests >= _step(draft).min_requests


def next_step(draft: RolloutDraft, why: str, reason: str = "Passed") -> None:
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
        "StepAdvanced",
        reason,
        f"to {steps[index].weight}%: {why}",
        release=draft.on_trial.release,
    )


def promote(draft: RolloutDraft, why: str, reason: str) -> None:
    """Leave the steps behind: all traffic, as soon as all pods are ready."""
    total = len(draft.spec.strategy.canary.steps)
    draft.set(step=StepStatus(index=total - 1, total=total, entered_at=draft.at), held=False)
    draft.transition(Phase.PROMOTING)
    draft.record("Promoting", reason, f"to 100%: {why}", release=draft.on_trial.release)


def paused(draft: RolloutDraft) -> None:
    """Hold the weight until a person lets the rollout go on; the step's deadline starts anew."""
    draft.watch = True
    draft.requeue_at(draft.now + TICK_SECONDS)
    if draft.spec.paused or draft.status.held or _awaits_approval(draft):
        return
    if draft.status.step:
        draft.set(step=draft.status.step.model_copy(update={"entered_at": draft.at}))
    draft.transition(Phase.PROGRESSING)
    draft.record("Resumed", "Resumed", "the pause is over", release=draft.on_trial.release)


def _awaits_approval(draft: RolloutDraft) -> bool:
    """Whether the step has had its time and is to be left by a person's word only."""
    step, status = _step(draft), draft.status.step
    if not step.manual or status is None or status.approved or status.observed_since is None:
        return False
    return draft.now - status.observed_since.timestamp() >= seconds(step.min_duration)
