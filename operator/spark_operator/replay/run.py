"""From a trace to what became of the release: one of five outcomes, and all decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from spark_operator.core import judge
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.judge import Action, VerdictKind, VerdictReason
from spark_operator.core.model.phases import Phase
from spark_operator.replay.line import TraceError
from spark_operator.replay.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.replay.trace import Frame

ReplayOutcome = Literal["promoted", "rolled-back", "held", "inconclusive", "running"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay ended, ``at`` in the trace's seconds, and every decision on the way."""

    outcome: ReplayOutcome
    at: float
    reason: str
    decisions: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "outcome": self.outcome,
            "at": self.at,
            "reason": self.reason,
            "decisions": list(self.decisions),
        }


def replay(resource: SparkDeployment, trace: Iterable[Frame]) -> Replayed:
    """Run a trace through ``decide``: the manifest's release is the candidate.

    Pods are ready as soon as they are wanted; preflight, migration and verification count as
    passed; the traffic is the trace's, whatever weight the plan is at, stable's after promotion
    included.

    Raises:
        TraceError: a line of the trace is not in its form, or the trace has none.
    """
    world: World | None = None
    promoted_at: float | None = None
    at = 0.0
    for frame in trace:
        at = frame.at
        world = world or World(resource, at)
        world.step(frame)
        phase = Phase(world.status.phase)
        if phase in (Phase.ROLLED_BACK, Phase.ROLLING_BACK):
            return _failed(world, at)
        if promoted_at is None and world.is_promoted:
            promoted_at = at
        if phase is Phase.STABLE and promoted_at is not None:
            break
    if world is None:
        raise TraceError("the trace is empty: give at least one line")
    if promoted_at is not None:
        return _ended(world, "promoted", promoted_at, "Passed")
    return _unfinished(world, at)


def _ended(world: World, outcome: ReplayOutcome, at: float, reason: str) -> Replayed:
    return Replayed(outcome, at, reason, tuple(world.decisions))


def _failed(world: World, at: float) -> Replayed:
    """Traffic went back: by a verdict, because of what both fail at if so wished, or undecided."""
    failure = world.status.failure
    if failure is None:
        return _ended(world, "running", at, "Unknown")
    proven = failure.outcome == "Failed" or failure.reason == VerdictReason.SHARED_FAILURE
    return _ended(world, "rolled-back" if proven else "inconclusive", at, failure.reason)


def _unfinished(world: World, at: float) -> Replayed:
    """The trace ends in a trial: it is held, or simply not over."""
    if world.judge is None:
        return _ended(world, "running", at, world.status.phase)
    verdict = judge.verdict(judge_plan(world.resource.spec), world.judge, world.clock(at))
    holding = any(item.action is Action.HOLD for item in verdict.warnings)
    held = verdict.shared or holding or verdict.kind in (VerdictKind.NO_DATA, VerdictKind.FAIL)
    paused = Phase(world.status.phase) is Phase.PAUSED
    outcome: ReplayOutcome = "held" if held or paused else "running"
    return _ended(world, outcome, at, verdict.reason if not paused else "Paused")
