"""The draft of one decision: a status being rewritten, with what is to be told about it.

A ``RolloutDraft`` lives inside one call of ``decide``; it is mutable there and never leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Unpack

from spark_operator.api.fields import clip, to_time
from spark_operator.api.status.status import (
    MAX_HISTORY,
    MAX_LEDGER,
    HistoryEntry,
    LedgerEntry,
    ReleaseStatus,
    SparkDeploymentStatus,
    Weight,
)
from spark_operator.core import judge
from spark_operator.core.model.event import Event
from spark_operator.core.model.phases import Phase, check_transition
from spark_operator.core.model.weights import share

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.api.status.outcomes import RolloutOutcome
    from spark_operator.core.decide.changes import StatusChanges
    from spark_operator.core.judge import JudgePlan, JudgeState, Verdict
    from spark_operator.core.model.decisions import LedgerDecision
    from spark_operator.core.model.reasons import Reason
    from spark_operator.core.model.release import Release
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.values import Alert, PartFailure, Workload


TICK_SECONDS: Final = 1.0
"""How often a release on trial is looked at."""


@dataclass(slots=True)
class RolloutDraft:
    """One decision in the making; ``now`` is seconds since the epoch."""

    resource: SparkDeployment
    observations: Observations
    now: float
    plan: JudgePlan
    status: SparkDeploymentStatus
    desired: Release
    judge: JudgeState | None = None
    verdict: Verdict | None = None
    events: list[Event] = field(default_factory=list)
    recorded: list[tuple[LedgerEntry, bool]] = field(default_factory=list)
    """What was noted in this decision, and whether as a warning."""
    alerts: list[tuple[Alert, str]] = field(default_factory=list)
    """What arrived, and what came of each."""
    requeue_times: list[float] = field(default_factory=list)
    watch: bool = False
    failures: list[PartFailure] = field(default_factory=list)
    """Parts that raised in this decision."""

    @property
    def spec(self) -> SparkDeploymentSpec:
        """What the user asks for."""
        return self.resource.spec

    @property
    def at(self) -> datetime:
        """``now`` as status writes it."""
        return to_time(self.now)

    @property
    def phase(self) -> Phase:
        """The phase the draft stands in."""
        return Phase(self.status.phase)

    @property
    def candidate(self) -> Workload:
        """The candidate's workload, an empty one where there is no candidate."""
        role = self.status.candidate
        return self.observations.workload(role.release if role else "")

    @property
    def stable(self) -> Workload:
        """The stable release's workload, an empty one where there is none."""
        role = self.status.stable
        return self.observations.workload(role.release if role else "")

    @property
    def previous(self) -> Workload:
        """The workload of the release kept warm, an empty one where there is none."""
        role = self.status.previous
        return self.observations.workload(role.release if role else "")

    @property
    def on_trial(self) -> ReleaseStatus:
        """The candidate's role.

        Raises:
            AssertionError: the phase has no candidate, which is a programming error.
        """
        if self.status.candidate is None:
            msg = f"phase {self.phase} has no candidate"
            raise AssertionError(msg)
        return self.status.candidate

    @property
    def third_release(self) -> bool:
        """Whether a release that is neither stable nor wanted still has pods, or may get some."""
        stable = self.status.stable
        two = {self.desired.name, stable.release if stable else ""}
        return any(
            work.exists or work.pods
            for release, work in self.observations.workloads.items()
            if release not in two
        )

    def set(self, **changes: Unpack[StatusChanges]) -> None:
        """Replace members of the draft status."""
        self.status = self.status.model_copy(update=dict(changes))

    def set_weight(self, desired: int) -> None:
        """Decide the candidate's share of traffic."""
        self.set(weight=Weight(desired=desired, actual=self.status.weight.actual))

    def requeue_at(self, due: float) -> None:
        """Ask for the next look at ``due``, seconds since the epoch, at the latest."""
        self.requeue_times.append(due)

    def transition(self, target: Phase) -> None:
        """Move to another phase.

        Raises:
            IllegalTransitionError: the table has no such transition.
        """
        check_transition(self.phase, target)
        self.set(phase=target.value)
        self.requeue_at(self.now)

    def record_baseline(self, *, promoted: bool) -> None:
        """Keep how the errors of the release come that is stable from now on."""
        if self.judge is not None:
            self.set(baseline=judge.baseline_of(self.judge, promoted=promoted) or None)

    def record(
        self,
        decision: LedgerDecision,
        reason: Reason,
        message: str,
        *,
        release: str = "",
        warning: bool = False,
    ) -> None:
        """Enter a decision in the ledger and tell it as an event."""
        entry = LedgerEntry(
            at=self.at,
            decision=decision,
            release=release,
            weight=self.status.weight.desired,
            reason=reason,
            message=clip(message),
        )
        self.set(ledger=(entry, *self.status.ledger)[:MAX_LEDGER])
        self.events.append(Event(reason=decision, message=message, warning=warning))
        self.recorded.append((entry, warning))

    def close(self, role: ReleaseStatus, outcome: RolloutOutcome, reason: Reason) -> None:
        """Enter in the history how a release's rollout ended."""
        entry = HistoryEntry(
            release=role.release,
            image=role.image,
            digest=role.digest,
            outcome=outcome,
            started_at=role.since,
            ended_at=self.at,
            reason=reason,
        )
        limit = min(self.spec.revision_history_limit, MAX_HISTORY)
        self.set(history=(entry, *self.status.history)[:limit])

    def role(self, release: Release) -> ReleaseStatus:
        """A release that takes a role now."""
        work = self.observations.workload(release.name)
        return ReleaseStatus(
            release=release.name,
            image=release.image,
            digest=work.digest,
            since=self.at,
            pods=len(work.live),
            ready=work.ready,
        )


def actual_weight(draft: RolloutDraft) -> int:
    """The candidate's share of traffic that ready pods make now, in percent."""
    role, route = draft.status.candidate, draft.observations.route
    if role is None or route is None:
        return 0
    if route.release is None:
        return share(draft.candidate.ready, draft.stable.ready)
    return 100 if route.release == role.release and draft.candidate.ready else 0
