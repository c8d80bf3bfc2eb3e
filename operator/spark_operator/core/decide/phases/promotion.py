"""From the last step to stable: all pods, all traffic, the name, and the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.status import ReleaseStatus, Weight
from spark_operator.api.values import seconds
from spark_operator.core import judge
from spark_operator.core.decide.draft import TICK_SECONDS
from spark_operator.core.decide.jobs import runs, verification
from spark_operator.core.decide.phases.launch import launch
from spark_operator.core.decide.rollback import retreat
from spark_operator.core.decide.signals import alerts, freeze
from spark_operator.core.model.maintenance import in_maintenance
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import Turn

MOST_BLIND_SECONDS: Final = 25.0
"""Without a checkpoint of the judge for longer than this, nobody has watched."""
LAST_WATCH_SECONDS: Final = 30.0
"""A guard ends after at least this time of watching without a gap."""


def promoting(turn: Turn) -> None:
    """Give the candidate all its pods, then all traffic, then the name stable."""
    turn.watch = True
    turn.dues.append(turn.now + TICK_SECONDS)
    role = turn.on_trial
    if _outlasts_maintenance(turn):
        held = turn.status.held
        launch(turn)
        turn.set(held=held)
        return
    if turn.candidate.ready < turn.spec.replicas:
        return
    if turn.status.weight.desired < 100:
        if turn.spec.paused or turn.status.held or alerts.holds(turn):
            return
        if not _verified_in_maintenance(turn):
            return
        turn.weigh(100)
        if turn.status.first_traffic_at is None:
            turn.set(first_traffic_at=turn.at)
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


def _outlasts_maintenance(turn: Turn) -> bool:
    """Whether users came back before the switch that they were not to notice."""
    step = turn.status.step
    unserved = step is not None and step.in_maintenance and turn.status.weight.desired < 100
    return unserved and not in_maintenance(turn.status)


def _verified_in_maintenance(turn: Turn) -> bool:
    """Whether a release that no user tries before the switch has passed its verification."""
    step = turn.status.step
    return step is None or not step.in_maintenance or verification.passed(turn)


def _promote(turn: Turn, role: ReleaseStatus) -> None:
    guard = seconds(turn.spec.guard.duration)
    turn.close(role, "Promoted", "Passed")
    turn.learn(promoted=True)
    # Each synthetic request that is still to come would cost a provider's answer for nothing.
    runs.forget(turn, "verify", "compare", "traffic")
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


def _has_watched(turn: Turn, *, in_vain: bool) -> bool:
    """Whether the last part of the guard was watched: an operator that was away has seen nothing.

    After a gap the judge's step starts anew, which its checkpoint keeps across restarts, and so it
    does while the watch is ``in_vain``.
    """
    last = turn.status.judge_at
    if turn.judge is None or turn.verdict is None or last is None:
        return False
    if in_vain or turn.now - last.timestamp() > MOST_BLIND_SECONDS:
        turn.judge = judge.at_step(turn.plan, turn.judge, turn.now)
        return False
    wanted = min(seconds(turn.spec.guard.duration), LAST_WATCH_SECONDS)
    return turn.verdict.step_seconds >= wanted


def _is_suspected(turn: Turn) -> bool:
    """Whether errors above the warning may yet become a verdict.

    A restart of the operator costs the evidence since its last checkpoint: a guard that ended by
    the clock alone would let a failing release through.
    """
    verdict = turn.verdict
    return (
        verdict is not None
        and verdict.reason is judge.Reason.ERROR_RATE_WARNING
        and not verdict.shared
    )


def _unseen(turn: Turn) -> str:
    """Return in words that no reading comes, so that nobody can say how it does; else empty."""
    verdict = turn.verdict
    return verdict.message if verdict and verdict.kind is judge.Kind.NO_DATA else ""


def guarding(turn: Turn) -> None:
    """Watch the promoted release while the previous one stays warm."""
    stable, previous = turn.status.stable, turn.status.previous
    if stable is None or previous is None:
        turn.go(Phase.STABLE)
        return
    if turn.desired.name == previous.release:
        retreat(turn, "Aborted", "SpecReverted", "the spec names the previous release again")
        return
    if turn.desired.name != stable.release and not freeze.frozen(turn):
        turn.set(previous=None)
        turn.go(Phase.PENDING)
        return
    turn.watch = True
    verified = verification.passed(turn) or verification.is_shared(turn)
    if turn.phase is not Phase.GUARDING:
        return
    guard, unseen = seconds(turn.spec.guard.duration), _unseen(turn)
    # Twice as long and no longer: what has proven nothing by then holds nobody up
    undecided = bool(unseen) or _is_suspected(turn)
    end = stable.since.timestamp() + (2 * guard if undecided else guard)
    watched = _has_watched(turn, in_vain=bool(unseen) and turn.now < end)
    if turn.now < end or not watched or not verified:
        turn.dues.append(turn.now + TICK_SECONDS)
        return
    _end_guard(turn, stable, unseen)


def _end_guard(turn: Turn, stable: ReleaseStatus, unseen: str) -> None:
    turn.learn(promoted=True)
    runs.forget(turn, "compare")
    turn.set(previous=None)
    turn.go(Phase.STABLE)
    seen = f"was watched for {turn.spec.guard.duration} without a failure"
    if unseen:
        seen = f"could not be watched to the end, {unseen}"
    turn.note(
        "GuardEnded",
        "Unwatched" if unseen else "GuardEnded",
        f"{stable.image} {seen}: the previous release is stopped",
        release=stable.release,
    )
