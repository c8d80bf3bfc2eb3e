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
    from spark_operator.core.decide.draft import Turn


def progressing(turn: Turn) -> None:
    """Bring the candidate to its step's weight, then wait for the judge's Pass."""
    turn.watch = True
    turn.dues.append(turn.now + TICK_SECONDS)
    foresee(turn)
    if turn.spec.paused:
        _pause(turn, "SpecPaused", "spec.paused is true: the weight is held, the watch goes on")
        return
    if turn.status.held:
        _pause(
            turn,
            "PauseRequested",
            "a person asked to hold: go on with the annotation spark.dev/resume: TOKEN",
        )
        return
    if maintenance.blind(turn) or not _reach_weight(turn):
        return
    if alerts.holds(turn):
        return
    why = _why_done(turn)
    if not why or not verification.passed(turn):
        return
    if _awaits_approval(turn):
        _pause(
            turn,
            "ManualStep",
            "the step waits for a person: annotate the resource with spark.dev/approve: TOKEN",
        )
        return
    next_step(turn, why, "Passed" if _judged(turn) else "ReadinessOnly")


def _step(turn: Turn) -> Step:
    steps = turn.spec.strategy.canary.steps
    index = turn.status.step.index if turn.status.step else 0
    return steps[min(index, len(steps) - 1)]


def _pause(turn: Turn, reason: str, message: str) -> None:
    turn.go(Phase.PAUSED)
    turn.note("Paused", reason, message, release=turn.on_trial.release)


def _reach_weight(turn: Turn) -> bool:
    """Whether the wanted pods are ready and samples at this weight count."""
    step = turn.status.step
    if step is None:
        return False
    if step.observed_since is not None:
        return True
    if turn.candidate.ready < candidate_pods(turn.spec.replicas, turn.status.weight.desired):
        return False
    if turn.status.first_traffic_at is None and (turn.third_release or _surplus(turn)):
        return False
    turn.set(step=step.model_copy(update={"observed_since": turn.at}))
    if turn.judge is not None:
        turn.judge = judge.at_step(turn.plan, turn.judge, turn.now)
    if turn.status.first_traffic_at is None and turn.status.weight.desired > 0:
        turn.set(first_traffic_at=turn.at)
        turn.note(
            "TrafficStarted",
            "CandidateReady",
            f"{turn.candidate.ready} candidate pods are ready: first traffic,"
            f" {turn.status.weight.desired}% wanted",
            release=turn.on_trial.release,
        )
    turn.dues.append(turn.now)
    return False


def _surplus(turn: Turn) -> bool:
    """Whether more pods are left than this weight allows, of a switch that came to nothing."""
    wanted = candidate_pods(turn.spec.replicas, turn.status.weight.desired)
    return len(turn.candidate.live) > wanted


def _why_done(turn: Turn) -> str:
    """Why this step may be left; empty while it may not."""
    step, status = _step(turn), turn.status.step
    if status is None or status.observed_since is None:
        return ""
    if turn.now - status.observed_since.timestamp() < seconds(step.min_duration):
        return ""
    if turn.status.weight.desired == 0:
        return "ready for the step's whole time, without traffic"
    if _judged(turn):
        return turn.verdict.message if turn.verdict else ""
    canary = turn.spec.strategy.canary
    limit = seconds(step.max_duration or canary.progress_deadline)
    return on_low_traffic(turn, limit, step.min_requests)


def _judged(turn: Turn) -> bool:
    """Whether the judge has passed the candidate at this weight, or there was nothing to judge."""
    if turn.status.weight.desired == 0:
        return True
    if turn.judge is None or turn.verdict is None or turn.verdict.kind != "Pass":
        return False
    return turn.verdict.step_requests >= _step(turn).min_requests


def next_step(turn: Turn, why: str, reason: str = "Passed") -> None:
    """Raise the weight to the next entry of the plan, or promote after the last but one."""
    steps = turn.spec.strategy.canary.steps
    index = (turn.status.step.index if turn.status.step else 0) + 1
    if index >= len(steps) or steps[index].weight == 100:
        promote(turn, why, reason)
        return
    turn.weigh(steps[index].weight)
    turn.set(step=StepStatus(index=index, total=len(steps), entered_at=turn.at))
    if turn.phase is Phase.PAUSED:
        turn.go(Phase.PROGRESSING)
    turn.dues.append(turn.now)
    turn.note(
        "StepAdvanced",
        reason,
        f"to {steps[index].weight}%: {why}",
        release=turn.on_trial.release,
    )


def promote(turn: Turn, why: str, reason: str) -> None:
    """Leave the steps behind: all traffic, as soon as all pods are ready."""
    total = len(turn.spec.strategy.canary.steps)
    turn.set(step=StepStatus(index=total - 1, total=total, entered_at=turn.at), held=False)
    turn.go(Phase.PROMOTING)
    turn.note("Promoting", reason, f"to 100%: {why}", release=turn.on_trial.release)


def paused(turn: Turn) -> None:
    """Hold the weight until a person lets the rollout go on; the step's deadline starts anew."""
    turn.watch = True
    turn.dues.append(turn.now + TICK_SECONDS)
    if turn.spec.paused or turn.status.held or _awaits_approval(turn):
        return
    if turn.status.step:
        turn.set(step=turn.status.step.model_copy(update={"entered_at": turn.at}))
    turn.go(Phase.PROGRESSING)
    turn.note("Resumed", "Resumed", "the pause is over", release=turn.on_trial.release)


def _awaits_approval(turn: Turn) -> bool:
    """Whether the step has had its time and is to be left by a person's word only."""
    step, status = _step(turn), turn.status.step
    if not step.manual or status is None or status.approved or status.observed_since is None:
        return False
    return turn.now - status.observed_since.timestamp() >= seconds(step.min_duration)
