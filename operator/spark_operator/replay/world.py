"""A world in which everything is ready at once and only the trace's counters move."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.fields import to_time
from spark_operator.api.jobs import Preflight
from spark_operator.api.status.status import ReleaseStatus, SparkDeploymentStatus
from spark_operator.api.windows import Maintenance
from spark_operator.core import judge
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.decide.judging import verdict_status
from spark_operator.core.judge import Tick
from spark_operator.core.model.release import Release
from spark_operator.core.observe.observations import Observations
from spark_operator.core.observe.values import Pod, TrafficRoute, Workload
from spark_operator.core.render.children import replicas
from spark_operator.core.render.service import routed_release
from spark_operator.replay.hearing import Hearing

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.api.status.status import VerdictStatus
    from spark_operator.core.judge import JudgeState
    from spark_operator.replay.trace import Frame

EPOCH: Final = 1_577_836_800.0
"""What the trace's first reading is to ``decide``: an arbitrary moment, 2020-01-01T00:00:00Z."""
BEFORE: Final = 0.001
"""Seconds from the trial's start to the first reading, which therefore counts."""
STABLE: Final = "0000000000"
MOST_TURNS: Final = 32
"""Decisions within one second; more would be a decision that never rests."""


class World:
    """What ``decide`` sees, second by second, and what it has decided so far."""

    def __init__(self, resource: SparkDeployment, start: float) -> None:
        """``start`` is the trace's first time, in its own seconds."""
        resource = resource.model_copy(update={"spec": _judged_alone(resource.spec)})
        self._start = start
        self._candidate = Release.of(resource.spec)
        meta = resource.metadata.model_copy(update={"uid": "replay", "generation": 1})
        since = to_time(self.clock(start - 1.0))
        stable = ReleaseStatus(release=STABLE, image="the release before", since=since)
        status = SparkDeploymentStatus(phase="Stable", stable=stable)
        self.resource = resource.model_copy(update={"metadata": meta, "status": status})
        self.judge: JudgeState | None = None
        self.decisions: list[dict[str, Any]] = []
        self._watch = False
        self._hearing = Hearing(start - BEFORE)
        plan, now = judge_plan(resource.spec), self.clock(start)
        self._unheard = verdict_status(judge.verdict(plan, judge.start(plan, now), now), since)
        self._turns(start - BEFORE, None)

    @property
    def status(self) -> SparkDeploymentStatus:
        """The status as the last decision left it."""
        return self.resource.status

    @property
    def is_promoted(self) -> bool:
        """Whether the trace's candidate is the stable release now."""
        stable = self.status.stable
        return stable is not None and stable.release == self._candidate.name

    def clock(self, at: float) -> float:
        """The trace's seconds as seconds since the epoch."""
        return EPOCH + (at - self._start)

    def step(self, frame: Frame) -> None:
        """Live through one second of the trace."""
        self._hearing.listen(frame)
        candidate = self._hearing.samples("candidate", frame.at, self.clock)
        stable = self._hearing.samples("stable", frame.at, self.clock)
        self._turns(frame.at, Tick(self.clock(frame.at), candidate, stable))

    def _turns(self, at: float, tick: Tick | None) -> None:
        """Decide until nothing more is due; ``at`` is in the trace's seconds."""
        now = self.clock(at)
        for _ in range(MOST_TURNS):
            before = self.status
            observations = self._observe(tick if self._watch else None)
            tick = None if self._watch else tick
            decision = decide(self.resource, observations, now)
            self.resource = self.resource.model_copy(update={"status": decision.status})
            self.judge, self._watch = decision.judge, decision.watch
            self._record(max(at, self._start), before)
            if decision.next_due is None or decision.next_due > now:
                return

    def _observe(self, tick: Tick | None) -> Observations:
        wanted = replicas(self.resource)
        releases = {STABLE: replace(self._candidate, image="the release before")}
        releases[self._candidate.name] = self._candidate
        return Observations(
            workloads={name: _workload(name, count) for name, count in wanted.items()},
            revisions=releases,
            route=TrafficRoute(release=routed_release(self.resource)),
            tick=tick,
            judge=self.judge,
        )

    def _record(self, at: float, before: SparkDeploymentStatus) -> None:
        after = self.status
        said, heard = after.verdict, before.verdict
        entry = after.ledger[0] if after.ledger[:1] != before.ledger[:1] else None
        changed = said is not None and (
            heard is None or (said.verdict, said.reason) != (heard.verdict, heard.reason)
        )
        if entry is None and not changed:
            return
        verdict = said or self._unheard
        evidence = _numbers(verdict)
        self.decisions.append(
            {
                "t": at,
                "phase": after.phase,
                "weight": 100 if self.is_promoted else after.weight.desired,
                "decision": entry.decision if entry else "",
                "reason": entry.reason if entry else verdict.reason,
                "verdict": verdict.verdict,
                "metric": evidence[0]["metric"] if evidence else "",
                "evidence": evidence,
                "message": verdict.message,
            }
        )


def _numbers(verdict: VerdictStatus) -> list[dict[str, Any]]:
    """A verdict's evidence as JSON values; what there is none of is null."""
    return [
        {
            "metric": item.metric,
            "n": item.n,
            "value": _number(item.value),
            "bound": _number(item.bound),
            "threshold": _number(item.threshold),
            "stable": _number(item.stable),
        }
        for item in verdict.evidence
    ]


def _number(text: str) -> float | None:
    return float(text) if text else None


def _judged_alone(spec: SparkDeploymentSpec) -> SparkDeploymentSpec:
    """The spec with nothing but the traffic to decide by.

    What Jobs find counts as passed, and nobody can send further requests into a recording.
    """
    low = spec.analysis.on_low_traffic
    return spec.model_copy(
        update={
            "preflight": Preflight(enabled=False),
            "migrations": None,
            "maintenance": Maintenance(),
            "freeze": (),
            "isolated": False,
            "verification": spec.verification.model_copy(update={"enabled": False}),
            "analysis": spec.analysis.model_copy(
                update={"on_low_traffic": "Pause" if low == "Synthetic" else low}
            ),
        }
    )


def _workload(name: str, count: int) -> Workload:
    pods = tuple(
        Pod(name=f"{name}-{index}", uid=f"{name}-{index}", release=name, ip="-", ready=True)
        for index in range(count)
    )
    return Workload(release=name, exists=True, replicas=count, pods=pods)
