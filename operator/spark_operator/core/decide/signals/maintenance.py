"""Maintenance windows and freezes: what holds now, and what happens at their edges."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from spark_operator.api.status.status import MaintenanceStatus
from spark_operator.api.values import seconds
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.maintenance import in_maintenance, when
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.api.windows import Maintenance
    from spark_operator.core.decide.draft import RolloutDraft

AFTERMATH: Final = timedelta(seconds=15)
"""How long after maintenance what is read still speaks of it."""
REMEMBERED: Final = timedelta(minutes=15)
"""How long a window that ended is kept, to know alerts that began in it: older ones are stale."""


ANNOUNCEMENTS: Final = frozenset(
    {
        LedgerDecision.MAINTENANCE_ANNOUNCED,
        LedgerDecision.MAINTENANCE_STARTED,
        LedgerDecision.MAINTENANCE_ENDED,
        LedgerDecision.MAINTENANCE_CANCELLED,
    }
)
"""Decisions that people must hear of although nothing is wrong."""


class MaintenanceWindow(NamedTuple):
    """What ``spec.maintenance`` says of one moment."""

    state: Literal["Announced", "Active"] | None
    begins: datetime | None = None
    until: datetime | None = None
    edge: datetime | None = None
    """When it says something else by itself."""


def look(maintenance: Maintenance, at: datetime) -> MaintenanceWindow:
    """Return whether maintenance goes on, is announced, or neither."""
    if maintenance.enabled:
        return MaintenanceWindow("Active")
    begins, until = maintenance.from_, maintenance.until
    if begins is None or until is None or at >= until:
        return MaintenanceWindow(None)
    if at >= begins:
        return MaintenanceWindow("Active", begins, until, until)
    announced = begins - timedelta(seconds=seconds(maintenance.announce))
    if at >= announced:
        return MaintenanceWindow("Announced", begins, until, begins)
    return MaintenanceWindow(None, edge=announced)


def settle(draft: RolloutDraft) -> None:
    """Bring status to what the time and the spec say of maintenance, and tell each change."""
    seen, before = look(draft.spec.maintenance, draft.at), draft.status.maintenance
    if seen.edge is not None:
        draft.requeue_at(seen.edge.timestamp())
    if seen.state == "Active":
        _begin(draft, seen, before)
    elif before is not None and before.state == "Active":
        _end(draft, before)
    elif seen.state == "Announced" and not blind(draft):
        _announce(draft, seen, before)
    elif before is not None and before.state == "Announced":
        _cancel(draft, before)
    _forget(draft)


def _begin(draft: RolloutDraft, seen: MaintenanceWindow, before: MaintenanceStatus | None) -> None:
    if before is not None and before.state == "Active":
        if before.until != seen.until:
            draft.set(maintenance=before.model_copy(update={"until": seen.until}))
        return
    draft.set(
        maintenance=MaintenanceStatus(
            state="Active", since=draft.at, begins=draft.at, until=seen.until
        )
    )
    end = f"until {when(seen.until)}" if seen.until else "until spec.maintenance.enabled is false"
    draft.record(
        LedgerDecision.MAINTENANCE_STARTED,
        DecisionReason.SCHEDULED if seen.until else DecisionReason.REQUESTED,
        f"users are answered 503 {end}: {draft.spec.maintenance.message}",
    )


def _end(draft: RolloutDraft, before: MaintenanceStatus) -> None:
    draft.set(
        maintenance=before.model_copy(
            update={"state": "Ended", "since": draft.at, "until": draft.at}
        )
    )
    lasted = timedelta(seconds=round((draft.at - before.begins).total_seconds()))
    draft.record(
        LedgerDecision.MAINTENANCE_ENDED,
        DecisionReason.OVER,
        f"users are served again, after {lasted}",
    )


def _announce(
    draft: RolloutDraft, seen: MaintenanceWindow, before: MaintenanceStatus | None
) -> None:
    known = before is not None and before.state == "Announced"
    if before is not None and known and (before.begins, before.until) == (seen.begins, seen.until):
        return
    draft.set(
        maintenance=MaintenanceStatus(
            state="Announced", since=draft.at, begins=seen.begins or draft.at, until=seen.until
        )
    )
    draft.record(
        LedgerDecision.MAINTENANCE_ANNOUNCED,
        DecisionReason.RESCHEDULED if known else DecisionReason.SCHEDULED,
        f"users will be answered 503 from {when(seen.begins)} until {when(seen.until)}:"
        f" {draft.spec.maintenance.message}",
    )


def _cancel(draft: RolloutDraft, before: MaintenanceStatus) -> None:
    missed = before.until is not None and draft.at >= before.until
    why = "the operator was away all the time" if missed else "spec.maintenance does not name it"
    draft.set(maintenance=None)
    draft.record(
        LedgerDecision.MAINTENANCE_CANCELLED,
        DecisionReason.MISSED if missed else DecisionReason.WITHDRAWN,
        f"the window from {when(before.begins)} was skipped: {why}",
        warning=missed,
    )


def _forget(draft: RolloutDraft) -> None:
    """Drop a window that ended once nothing can be about it any more."""
    past = draft.status.maintenance
    if past is None or past.state != "Ended":
        return
    over = past.since + REMEMBERED
    if draft.at >= over:
        draft.set(maintenance=None)
        return
    aftermath = past.since + AFTERMATH
    draft.requeue_at((aftermath if draft.at < aftermath else over).timestamp())


def blind(draft: RolloutDraft) -> bool:
    """Return whether today's readings blame nobody: maintenance goes on, or has just ended."""
    window = draft.status.maintenance
    if window is None or window.state == "Announced":
        return False
    return window.state == "Active" or draft.at < window.since + AFTERMATH


def covers(status: SparkDeploymentStatus, at: datetime) -> bool:
    """Return whether what began then began in maintenance, or right after it."""
    window = status.maintenance
    if window is None or window.state == "Announced" or at < window.begins:
        return False
    return window.state == "Active" or at < window.since + AFTERMATH


def rests(draft: RolloutDraft) -> bool:
    """Return whether the judge skips this decision; the one that finds the end is skipped too."""
    return blind(draft) or in_maintenance(draft.resource.status)
