"""Freezes: times in which no release starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.fields import clip
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.progress import Progress
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.maintenance import when
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.api.windows import Freeze
    from spark_operator.core.decide.draft import RolloutDraft


def frozen(draft: RolloutDraft) -> Freeze | None:
    """The freeze that keeps the wanted release from starting; None where none does.

    Going back is no start: to stable, to one that was stable before, to one that a person asked
    for by name.  The first release of all has nobody to disturb.
    """
    stable, override = draft.status.stable, draft.status.override
    wanted = draft.desired.name
    if stable is None or wanted in (stable.release, override.release if override else ""):
        return None
    if quarantine.was_stable(draft.status, wanted):
        return None
    now = [freeze for freeze in draft.spec.freeze if freeze.from_ <= draft.at < freeze.until]
    return max(now, key=lambda freeze: freeze.until, default=None)


def waits(draft: RolloutDraft) -> str:
    """Why the wanted release does not start, in words; empty where no freeze holds it.

    One that has started goes on: a freeze is about starting.
    """
    role = draft.status.candidate
    freeze = None if role and role.release == draft.desired.name else frozen(draft)
    if freeze is None:
        return ""
    reason = f" ({freeze.reason})" if freeze.reason else ""
    return clip(
        f"releases are frozen until {when(freeze.until)}{reason}: {draft.desired.image} waits"
    )


def hold_back(draft: RolloutDraft) -> Progress:
    """Wait for a freeze that holds the wanted release back, and look again at its end."""
    freeze = frozen(draft)
    if freeze is None:
        return Progress.DONE
    draft.requeue_at(freeze.until.timestamp())
    return Progress.WAIT


def tell(draft: RolloutDraft) -> None:
    """Tell once that a release waits for a freeze to end."""
    why = waits(draft)
    said = (
        *(item.message for item in draft.resource.status.conditions),
        *(
            entry.message
            for entry in draft.status.ledger
            if entry.decision == LedgerDecision.FROZEN
        ),
    )
    if why and why not in said:
        draft.record(LedgerDecision.FROZEN, DecisionReason.FREEZE, why, release=draft.desired.name)
