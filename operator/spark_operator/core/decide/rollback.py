"""Taking traffic off a release: one way out, whatever the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.fields import clip
from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import Exposure, FailureStatus, ReleaseStatus
from spark_operator.core import judge
from spark_operator.core.decide import quarantine
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.model.reasons import Reason


def fail(
    draft: RolloutDraft, role: ReleaseStatus, outcome: RolloutOutcome, reason: Reason, message: str
) -> None:
    """Record why the release that the spec names does not run."""
    draft.set(
        failure=FailureStatus(
            release=role.release,
            image=role.image,
            outcome=outcome,
            reason=reason,
            message=clip(message),
            at=draft.at,
        )
    )


def roll_back(draft: RolloutDraft, outcome: RolloutOutcome, reason: Reason, message: str) -> None:
    """Cut the traffic of the release on trial, or of the one under guard, and go back.

    ``Failed`` quarantines the release; the other outcomes do not.
    """
    if draft.phase is Phase.GUARDING:
        _swap(draft)
    role = draft.status.candidate
    if role is None:
        return
    draft.set_weight(0)
    draft.record_baseline(promoted=False)
    if outcome != RolloutOutcome.SUPERSEDED:
        fail(draft, role, outcome, reason, message)
    if outcome == RolloutOutcome.FAILED:
        entries = quarantine.add(draft.status, role, reason, draft.at)
        draft.set(quarantine=entries)
    if outcome != RolloutOutcome.SUPERSEDED:
        draft.set(exposure=_exposure(draft, role.release))
    draft.close(role, outcome, reason)
    draft.transition(Phase.ROLLING_BACK)
    draft.record(
        LedgerDecision.ROLLING_BACK,
        reason,
        message,
        release=role.release,
        warning=outcome != RolloutOutcome.SUPERSEDED,
    )


def _swap(draft: RolloutDraft) -> None:
    """Under guard the failing release is already stable: the warm previous one takes over."""
    failing, previous = draft.status.stable, draft.status.previous
    if failing is None or previous is None:
        return
    draft.set(
        stable=previous.model_copy(update={"since": draft.at}), candidate=failing, previous=None
    )


def _exposure(draft: RolloutDraft, release: str) -> Exposure:
    began = draft.status.first_traffic_at
    if began is None:
        return Exposure(release=release)
    requests, errors = judge.totals(draft.judge) if draft.judge else (0, 0)
    return Exposure(
        release=release,
        seconds=round(max(0.0, draft.now - began.timestamp()), 3),
        requests=requests,
        errors=errors,
    )
