"""A world in which everything is ready at once and only the trace's counters move."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from spark_operator.api.jobs import Preflight
from spark_operator.api.status import ReleaseStatus, SparkDeploymentStatus
from spark_operator.api.windows import Maintenance
from spark_operator.core import judge
from spark_operator.core.decide import decide
from spark_operator.core.judge import Action, Kind, PodSample, Tick
from spark_operator.core.phases import Phase
from spark_operator.core.plan import judge_plan
from spark_operator.core.release import Release
from spark_operator.core.render.children import replicas
from spark_operator.core.render.service import routed_release
from spark_operator.core.replay.trace import TraceError
from spark_operator.core.turn import to_time
from spark_operator.core.types import Observations, Pod, Route, Workload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.core.judge import JudgeState, Verdict
    from spark_operator.core.replay.trace import Frame, Reading, Role

Outcome = Literal["promoted", "rolled-back", "held", "inconclusive", "running"]
EPOCH: Final = 1_577_836_800.0
"""What the trace's zero is to ``decide``: an arbitrary moment, 2020-01-01T00:00:00Z."""
STABLE: Final = "0000000000"
MOST_TURNS: Final = 32
"""Turns within one second; more would be a decision that never rests."""
FORGET_SECONDS: Final = 60.0
"""A pod of stable that the trace has not named for so long was replaced."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay ended, ``at`` in the trace's seconds, and every decision on the way."""

    outcome: Outcome
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


class _World:
    """What ``decide`` sees, second by second, and what it has decided so far."""

    def __init__(self, resource: SparkDeployment, start: float) -> None:
        resource = resource.model_copy(update={"spec": _judged_alone(resource.spec)})
        self.candidate = Release.of(resource.spec)
        meta = resource.metadata.model_copy(update={"uid": "replay", "generation": 1})
        since = to_time(EPOCH + start)
        stable = ReleaseStatus(release=STABLE, image="the release before", since=since)
        status = SparkDeploymentStatus(phase="Stable", stable=stable)
        self.resource = resource.model_copy(update={"metadata": meta, "status": status})
        self.judge: JudgeState | None = None
        self.watch = False
        self.decisions: list[dict[str, Any]] = []
        self.verdict: Verdict | None = None
        self.seen: dict[tuple[Role, str], Reading] = {}
        self.born: dict[tuple[Role, str], float] = {}
        self.started = start

    @property
    def status(self) -> SparkDeploymentStatus:
        return self.resource.status

    def step(self, frame: Frame) -> None:
        """Live through one second of the trace."""
        for reading in frame.readings:
            self.seen[reading.role, reading.pod] = reading
            self.born.setdefault((reading.role, reading.pod), self.started)
        tick: Tick | None = self._tick(frame)
        for _ in range(MOST_TURNS):
            before = self.status
            observations = self._observe(tick if self.watch else None)
            tick = None if self.watch else tick
            decision = decide(self.resource, observations, EPOCH + frame.at)
            self.resource = self.resource.model_copy(update={"status": decision.status})
            self.judge, self.watch = decision.judge, decision.watch
            self._record(frame.at, before)
            due = decision.next_due
            if due is None or due > EPOCH + frame.at:
                return

    def _observe(self, tick: Tick | None) -> Observations:
        wanted = replicas(self.resource)
        releases = {STABLE: replace(self.candidate, image="the release before")}
        releases[self.candidate.name] = self.candidate
        return Observations(
            workloads={name: _workload(name, count) for name, count in wanted.items()},
            revisions=releases,
            route=Route(release=routed_release(self.resource)),
            tick=tick,
            judge=self.judge,
        )

    def _tick(self, frame: Frame) -> Tick:
        """The frame as the judge sees it; after promotion there is nothing to compare with."""
        now = {(reading.role, reading.pod): reading for reading in frame.readings}
        samples: dict[Role, list[PodSample]] = {"candidate": [], "stable": []}
        for key, last in self.seen.items():
            if key[0] == "stable" and frame.at - last.at > FORGET_SECONDS:
                continue
            reading = now.get(key)
            samples[key[0]].append(
                PodSample(
                    pod=f"{key[0]}/{key[1]}",
                    at=EPOCH + (reading.at if reading else frame.at),
                    values=reading.counters if reading else None,
                    ready=True,
                    restarts=0,
                    started_at=EPOCH + self.born[key],
                )
            )
        promoted = self.status.stable is not None and self.status.stable.release != STABLE
        stable = () if promoted else tuple(samples["stable"])
        return Tick(EPOCH + frame.at, tuple(samples["candidate"]), stable)

    def _record(self, at: float, before: SparkDeploymentStatus) -> None:
        after = self.status
        told, said = after.verdict, before.verdict
        fresh = len(after.ledger) and after.ledger[:1] != before.ledger[:1]
        changed = told is not None and (
            said is None or (told.verdict, told.reason) != (said.verdict, said.reason)
        )
        if not fresh and not changed and after.phase == before.phase:
            return
        evidence = [item.to_dict() for item in told.evidence] if told else []
        self.decisions.append(
            {
                "t": at,
                "phase": after.phase,
                "weight": after.weight.desired,
                "decision": after.ledger[0].decision if fresh else "",
                "reason": after.ledger[0].reason if fresh else (told.reason if told else ""),
                "verdict": told.verdict if told else "",
                "metric": evidence[0]["metric"] if evidence else "",
                "evidence": evidence,
                "message": told.message if told else "",
            }
        )


def _judged_alone(spec: SparkDeploymentSpec) -> SparkDeploymentSpec:
    """The spec with nothing but the traffic to decide by: what Jobs find counts as passed."""
    return spec.model_copy(
        update={
            "preflight": Preflight(enabled=False),
            "migrations": None,
            "maintenance": Maintenance(),
            "freeze": (),
            "verification": spec.verification.model_copy(update={"enabled": False}),
            "analysis": spec.analysis.model_copy(update={"on_low_traffic": "Pause"}),
        }
    )


def _workload(name: str, count: int) -> Workload:
    pods = tuple(
        Pod(name=f"{name}-{index}", uid=f"{name}-{index}", release=name, ip="-", ready=True)
        for index in range(count)
    )
    return Workload(release=name, exists=True, replicas=count, pods=pods)


def replay(resource: SparkDeployment, trace: Iterable[Frame]) -> Replayed:
    """Run a trace through ``decide``: the manifest's release is the candidate.

    Pods are ready as soon as they are wanted; preflight, migration and verification count as
    passed; the traffic is the trace's, whatever weight the plan is at.

    Raises:
        TraceError: a line of the trace is not in its form, or the trace has none.
    """
    world: _World | None = None
    promoted_at: float | None = None
    at = 0.0
    for frame in trace:
        world = world or _World(resource, frame.at - 1.0)
        world.step(frame)
        at = frame.at
        phase = Phase(world.status.phase)
        if phase in (Phase.ROLLED_BACK, Phase.ROLLING_BACK):
            return _failed(world, at)
        if promoted_at is None and phase is Phase.GUARDING:
            promoted_at = at
        if phase is Phase.STABLE and world.status.failure is None:
            return _ended(world, "promoted", promoted_at or at, "Passed")
    if world is None:
        raise TraceError("the trace is empty: give at least one line")
    if promoted_at is not None:
        return _ended(world, "promoted", promoted_at, "Passed")
    return _unfinished(world, at)


def _ended(world: _World, outcome: Outcome, at: float, reason: str) -> Replayed:
    return Replayed(outcome, at, reason, tuple(world.decisions))


def _failed(world: _World, at: float) -> Replayed:
    failure = world.status.failure
    if failure is None:
        return _ended(world, "running", at, "Unknown")
    outcome: Outcome = "rolled-back" if failure.outcome == "Failed" else "inconclusive"
    return _ended(world, outcome, at, failure.reason)


def _unfinished(world: _World, at: float) -> Replayed:
    """The trace ends in a trial: it is held, or simply not over."""
    if world.judge is None:
        return _ended(world, "running", at, world.status.phase)
    verdict = judge.verdict(judge_plan(world.resource.spec), world.judge, EPOCH + at)
    holding = any(item.action is Action.HOLD for item in verdict.warnings)
    held = verdict.shared or holding or verdict.kind in (Kind.NO_DATA, Kind.FAIL)
    paused = Phase(world.status.phase) is Phase.PAUSED
    outcome: Outcome = "held" if held or paused else "running"
    return _ended(world, outcome, at, verdict.reason if not paused else "Paused")
