"""One function per phase: what a resource in that phase does next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status import ReleaseStatus, StepStatus, Weight
from spark_operator.api.values import seconds
from spark_operator.core import judge, quarantine
from spark_operator.core.phases import Phase
from spark_operator.core.retreat import fail, retreat
from spark_operator.core.weights import candidate_pods

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.api.spec import Step
    from spark_operator.core.turn import Turn

TICK_SECONDS: Final = 1.0
"""How often a release on trial is looked at."""


def wanted_pods(turn: Turn) -> int:
    """Pods the candidate should have in the draft's phase and at its step."""
    if turn.phase is Phase.PROMOTING or turn.status.stable is None:
        return turn.spec.replicas
    return candidate_pods(turn.spec.replicas, turn.status.weight.desired)


def pending(turn: Turn) -> None:
    """Install the first release, or get ready for a trial."""
    if turn.status.stable is None:
        _install(turn)
        return
    desired = turn.desired.name
    if desired == turn.status.stable.release:
        turn.set(failure=None)
        turn.go(Phase.STABLE)
        return
    held = quarantine.find(turn.status, desired)
    if held:
        message = (
            f"{turn.desired.image} was quarantined at {held.at:%Y-%m-%d %H:%M:%S}Z ({held.reason}):"
            f" apply another release, or let it out with the annotation"
            f" spark.dev/let-out: {desired}@TOKEN"
        )
        fail(turn, turn.role(turn.desired), "Failed", "ReleaseQuarantined", message)
        turn.go(Phase.ROLLED_BACK)
        return
    if turn.status.failure and turn.status.failure.release == desired:
        turn.go(Phase.ROLLED_BACK)
        return
    if _third_pods(turn):
        return
    _start_trial(turn)


def _install(turn: Turn) -> None:
    role = turn.status.candidate
    if role is None or role.release != turn.desired.name:
        turn.set(
            candidate=turn.role(turn.desired),
            weight=Weight(desired=100, actual=0),
            step=None,
            failure=None,
        )
        turn.note(
            "Installing",
            "FirstRelease",
            f"first release {turn.desired.image} is being started: nothing to compare it with",
            release=turn.desired.name,
        )
        turn.dues.append(turn.now)
        return
    if turn.candidate.ready < turn.spec.replicas:
        deadline = role.since.timestamp() + seconds(turn.spec.strategy.canary.progress_deadline)
        if turn.now < deadline:
            turn.dues.append(deadline)
        return
    turn.set(stable=role.model_copy(update={"since": turn.at}), candidate=None, weight=Weight())
    turn.close(role, "Promoted", "FirstRelease")
    turn.go(Phase.STABLE)
    turn.note(
        "Installed",
        "FirstRelease",
        f"{role.image} is stable: {turn.spec.replicas} of {turn.spec.replicas} pods are ready",
        release=role.release,
    )


def _third_pods(turn: Turn) -> bool:
    roles = {turn.desired.name, turn.status.stable.release if turn.status.stable else ""}
    return any(
        work.pods for release, work in turn.observations.workloads.items() if release not in roles
    )


def _start_trial(turn: Turn) -> None:
    steps = turn.spec.strategy.canary.steps
    turn.set(
        candidate=turn.role(turn.desired),
        previous=None,
        failure=None,
        verdict=None,
        judge=None,
        judge_at=None,
        first_traffic_at=None,
    )
    turn.judge = None
    straight = steps[0].weight == 100
    turn.weigh(0 if straight else steps[0].weight)
    turn.set(step=StepStatus(index=0, total=len(steps), entered_at=turn.at))
    turn.go(Phase.PROMOTING if straight else Phase.PROGRESSING)
    turn.note(
        "TrialStarted",
        "NewRelease",
        f"{turn.desired.image} is on trial: plan {' → '.join(f'{s.weight}%' for s in steps)}",
        release=turn.desired.name,
    )


def progressing(turn: Turn) -> None:
    """Bring the candidate to its step's weight, then wait for the judge's Pass."""
    turn.watch = True
    turn.dues.append(turn.now + TICK_SECONDS)
    if turn.spec.paused:
        _pause(turn, "SpecPaused", "spec.paused is true: the weight is held, the watch goes on")
        return
    if not _reach_weight(turn):
        return
    if not _step_is_done(turn):
        return
    if _step(turn).manual:
        _pause(
            turn,
            "ManualStep",
            "the step waits for a person: annotate the resource with spark.dev/promote: TOKEN",
        )
        return
    next_step(turn, _why_passed(turn))


def _step(turn: Turn) -> Step:
    steps = turn.spec.strategy.canary.steps
    index = turn.status.step.index if turn.status.step else 0
    return steps[min(index, len(steps) - 1)]


def _pause(turn: Turn, reason: str, message: str) -> None:
    turn.go(Phase.PAUSED)
    turn.note("Paused", reason, message, release=_candidate(turn).release)


def _candidate(turn: Turn) -> ReleaseStatus:
    role = turn.status.candidate
    if role is None:
        msg = f"phase {turn.phase} has no candidate"
        raise AssertionError(msg)
    return role


def _reach_weight(turn: Turn) -> bool:
    """Whether the wanted pods are ready and samples at this weight count."""
    step = turn.status.step
    if step is None:
        return False
    if step.observed_since is not None:
        return True
    if turn.candidate.ready < wanted_pods(turn):
        return False
    turn.set(step=step.model_copy(update={"observed_since": turn.at}))
    if turn.status.first_traffic_at is None and turn.status.weight.desired > 0:
        turn.set(first_traffic_at=turn.at)
        turn.judge = judge.start(turn.plan, turn.now)
        turn.note(
            "TrafficStarted",
            "CandidateReady",
            f"{turn.candidate.ready} candidate pods are ready: first traffic,"
            f" {turn.status.weight.desired}% wanted",
            release=_candidate(turn).release,
        )
    elif turn.judge is not None:
        turn.judge = judge.at_step(turn.plan, turn.judge, turn.now)
    turn.dues.append(turn.now)
    return False


def _step_is_done(turn: Turn) -> bool:
    step, status = _step(turn), turn.status.step
    if status is None or status.observed_since is None:
        return False
    if turn.now - status.observed_since.timestamp() < seconds(step.min_duration):
        return False
    if turn.status.weight.desired == 0:
        return True
    if turn.judge is None or turn.verdict is None or turn.verdict.kind != "Pass":
        return False
    return turn.verdict.step_requests >= step.min_requests


def _why_passed(turn: Turn) -> str:
    if turn.verdict is None or turn.status.weight.desired == 0:
        return "ready for the step's whole time, without traffic"
    return turn.verdict.message


def next_step(turn: Turn, why: str, reason: str = "Passed") -> None:
    """Raise the weight to the next entry of the plan, or promote after the last but one."""
    steps = turn.spec.strategy.canary.steps
    index = (turn.status.step.index if turn.status.step else 0) + 1
    release = _candidate(turn).release
    if index >= len(steps) or steps[index].weight == 100:
        index = min(index, len(steps) - 1)
        turn.set(step=StepStatus(index=index, total=len(steps), entered_at=turn.at))
        turn.go(Phase.PROMOTING)
        turn.note("Promoting", reason, f"to 100%: {why}", release=release)
        return
    turn.weigh(steps[index].weight)
    turn.set(step=StepStatus(index=index, total=len(steps), entered_at=turn.at))
    if turn.phase is Phase.PAUSED:
        turn.go(Phase.PROGRESSING)
    turn.dues.append(turn.now)
    turn.note("StepAdvanced", reason, f"to {steps[index].weight}%: {why}", release=release)


def paused(turn: Turn) -> None:
    """Hold the weight until a person lets the rollout go on."""
    turn.watch = True
    turn.dues.append(turn.now + TICK_SECONDS)
    if turn.spec.paused or (_step(turn).manual and turn.status.step is not None):
        return
    resume(turn, "the pause is over")


def resume(turn: Turn, message: str) -> None:
    """Go on after a pause; the step's deadline starts anew."""
    if turn.status.step:
        turn.set(step=turn.status.step.model_copy(update={"entered_at": turn.at}))
    turn.go(Phase.PROGRESSING)
    turn.note("Resumed", "Resumed", message, release=_candidate(turn).release)


def promoting(turn: Turn) -> None:
    """Give the candidate all its pods, then all traffic, then the name stable."""
    turn.watch = turn.status.first_traffic_at is not None
    turn.dues.append(turn.now + TICK_SECONDS)
    role = _candidate(turn)
    if turn.candidate.ready < turn.spec.replicas:
        return
    if turn.status.weight.desired < 100:
        turn.weigh(100)
        if turn.status.first_traffic_at is None:
            turn.set(first_traffic_at=turn.at)
            turn.judge = judge.start(turn.plan, turn.now)
        turn.dues.append(turn.now)
        turn.note(
            "TrafficSwitched",
            "CandidateReady",
            f"all {turn.spec.replicas} candidate pods are ready: all new connections go to them",
            release=role.release,
        )
        return
    if turn.observations.route is None or turn.observations.route.release != role.release:
        return
    _promote(turn, role)


def _promote(turn: Turn, role: ReleaseStatus) -> None:
    guard = seconds(turn.spec.guard.duration)
    turn.close(role, "Promoted", "Passed")
    turn.set(
        previous=turn.status.stable if guard else None,
        stable=role.model_copy(update={"since": turn.at}),
        candidate=None,
        weight=Weight(),
        step=None,
    )
    turn.go(Phase.GUARDING if guard else Phase.STABLE)
    watch = (
        f"the previous release stays warm for {turn.spec.guard.duration}" if guard else "no guard"
    )
    turn.note("Promoted", "Passed", f"{role.image} is stable now; {watch}", release=role.release)


def guarding(turn: Turn) -> None:
    """Watch the promoted release while the previous one stays warm."""
    stable, previous = turn.status.stable, turn.status.previous
    if stable is None or previous is None:
        turn.go(Phase.STABLE)
        return
    if turn.desired.name == previous.release:
        retreat(turn, "Aborted", "SpecReverted", "the spec names the previous release again")
        return
    if turn.desired.name != stable.release:
        turn.set(previous=None)
        turn.go(Phase.PENDING)
        return
    turn.watch = True
    end = stable.since.timestamp() + seconds(turn.spec.guard.duration)
    if turn.now < end:
        turn.dues.append(min(end, turn.now + TICK_SECONDS))
        return
    turn.set(previous=None)
    turn.go(Phase.STABLE)
    turn.note(
        "GuardEnded",
        "GuardEnded",
        f"{stable.image} was watched for {turn.spec.guard.duration} without a failure:"
        " the previous release is stopped",
        release=stable.release,
    )


def stable(turn: Turn) -> None:
    """Rest, until the spec names another release."""
    if turn.status.stable is None or turn.desired.name != turn.status.stable.release:
        turn.go(Phase.PENDING)
    elif turn.status.failure is not None:
        turn.set(failure=None)


def rolling_back(turn: Turn) -> None:
    """See the traffic cut and the candidate's pods gone, then settle."""
    turn.dues.append(turn.now + TICK_SECONDS)
    stable_name = turn.status.stable.release if turn.status.stable else None
    cut = turn.observations.route is not None and turn.observations.route.release == stable_name
    if not cut or turn.candidate.live:
        return
    turn.set(candidate=None, step=None)
    failure = turn.status.failure
    if turn.desired.name == stable_name:
        turn.go(Phase.STABLE)
    elif failure and failure.release == turn.desired.name:
        turn.go(Phase.ROLLED_BACK)
        turn.note(
            "RolledBack",
            failure.reason,
            f"all traffic is on {turn.status.stable.image if turn.status.stable else 'nothing'};"
            f" {failure.image} has no pods left",
            release=failure.release,
            warning=True,
        )
    else:
        turn.go(Phase.PENDING)


def rolled_back(turn: Turn) -> None:
    """Wait for a newer spec, a retry, or a release let out of quarantine."""
    failure = turn.status.failure
    if turn.status.stable and turn.desired.name == turn.status.stable.release:
        turn.set(failure=None)
        turn.go(Phase.STABLE)
    elif failure is None or failure.release != turn.desired.name:
        turn.go(Phase.PENDING)


HANDLERS: Final[dict[Phase, Callable[[Turn], None]]] = {
    Phase.PENDING: pending,
    Phase.PROGRESSING: progressing,
    Phase.PAUSED: paused,
    Phase.PROMOTING: promoting,
    Phase.GUARDING: guarding,
    Phase.STABLE: stable,
    Phase.ROLLING_BACK: rolling_back,
    Phase.ROLLED_BACK: rolled_back,
}
