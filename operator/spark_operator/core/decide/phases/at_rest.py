"""The phases in which no release is on trial, and the rollback that leads to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.decide.draft import TICK_SECONDS
from spark_operator.core.decide.jobs.undo_migration import undo
from spark_operator.core.decide.progress import Progress
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason, StoredReason

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft


def stable(draft: RolloutDraft) -> None:
    """Rest, until the spec names another release."""
    if draft.status.stable is None or draft.desired.name != draft.status.stable.release:
        draft.transition(Phase.PENDING)
    elif draft.status.failure is not None:
        draft.set(failure=None)


def rolling_back(draft: RolloutDraft) -> None:
    """See the traffic cut and the candidate's pods gone, then settle."""
    draft.requeue_at(draft.now + TICK_SECONDS)
    stable_name = draft.status.stable.release if draft.status.stable else None
    cut = draft.observations.route is not None and draft.observations.route.release == stable_name
    if not cut or draft.candidate.live or undo(draft) is Progress.WAIT:
        return
    draft.set(candidate=None, step=None)
    failure = draft.status.failure
    if draft.desired.name == stable_name:
        draft.transition(Phase.STABLE)
    elif failure and failure.release == draft.desired.name:
        draft.transition(Phase.ROLLED_BACK)
        draft.record(
            LedgerDecision.ROLLED_BACK,
            StoredReason(failure.reason),
            f"all traffic is on {draft.status.stable.image if draft.status.stable else 'nothing'};"
            f" {failure.image} has no pods left",
            release=failure.release,
            warning=True,
        )
    else:
        draft.transition(Phase.PENDING)


def rolled_back(draft: RolloutDraft) -> None:
    """Wait for a newer spec, a retry, or a release let out of quarantine."""
    failure = draft.status.failure
    if draft.status.stable and draft.desired.name == draft.status.stable.release:
        draft.set(failure=None)
        draft.transition(Phase.STABLE)
    elif failure is None or failure.release != draft.desired.name or _is_worth_another_look(draft):
        draft.set(failure=None)
        draft.transition(Phase.PENDING)


def _is_worth_another_look(draft: RolloutDraft) -> bool:
    """Return whether the spec was changed after a preflight found fault with its references."""
    failure, seen = draft.status.failure, draft.resource.status.observed_generation
    changed = seen != draft.resource.metadata.generation
    return changed and failure is not None and failure.reason == DecisionReason.PREFLIGHT_FAILED
