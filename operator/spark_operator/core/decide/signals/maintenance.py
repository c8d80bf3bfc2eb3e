"""Maintenance windows and freezes: what holds now, and what happens at their edges."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from spark_operator.api.status.status import MaintenanceStatus
from spark_operator.api.values import seconds
from spark_operator.core.model.maintenance import in_maintenance, when

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.api.windows import Maintenance
    from spark_operator.core.decide.draft import Turn

AFTERMATH: Final = timedelta(seconds=15)
"""How long after maintenance what is read still speaks of it."""
REMEMBERED: Final = timedelta(minutes=15)
"""How long a window that ended is kept, to know alerts that began in it: older ones are stale."""


ANNOUNCEMENTS: Final = frozenset(
    {"MaintenanceAnnounced", "MaintenanceStarted", "MaintenanceEnded", "MaintenanceCancelled"}
)
"""Decisions that people must hear of although nothing is wrong."""


class Window(NamedTuple):
    """What ``spec.maintenance`` says of one moment."""

    state: Literal["Announced", "Active"] | None
    begins: datetime | None = None
    until: datetime | None = None
    edge: datetime | None = None
    """When it says something else by itself."""


def look(maintenance: Maintenance, at: datetime) -> Window:
    """Whether maintenance goes on, is announced, or neither."""
    if maintenance.enabled:
        return Window("Active")
    begins, until = maintenance.from_, maintenance.until
    if begins is None or until is None or at >= until:
        return Window(None)
    if at >= begins:
        return Window("Active", begins, until, until)
    announced = begins - timedelta(seconds=seconds(maintenance.announce))
    if at >= announced:
        return Window("Announced", begins, until, begins)
    return Window(None, edge=announced)


def settle(turn: Turn) -> None:
    """Bring status to what the time and the spec say of maintenance, and tell each change."""
    seen, before = look(turn.spec.maintenance, turn.at), turn.status.maintenance
    if seen.edge is not None:
        turn.dues.append(seen.edge.timestamp())
    if seen.state == "Active":
        _begin(turn, seen, before)
    elif before is not None and before.state == "Active":
        _end(turn, before)
    elif seen.state == "Announced" and not blind(turn):
        _announce(turn, seen, before)
    elif before is not None and before.state == "Announced":
        _cancel(turn, before)
    _forget(turn)


def _begin(turn: Turn, seen: Window, before: MaintenanceStatus | None) -> None:
    if before is not None and before.state == "Active":
        if before.until != seen.until:
            turn.set(maintenance=before.model_copy(update={"until": seen.until}))
        return
    turn.set(
        maintenance=MaintenanceStatus(
            state="Active", since=turn.at, begins=turn.at, until=seen.until
        )
    )
    end = f"until {when(seen.until)}" if seen.until else "until spec.maintenance.enabled is false"
    turn.note(
        "MaintenanceStarted",
        "Scheduled" if seen.until else "Requested",
        f"users are answered 503 {end}: {turn.spec.maintenance.message}",
    )


def _end(turn: Turn, before: MaintenanceStatus) -> None:
    turn.set(
        maintenance=before.model_copy(update={"state": "Ended", "since": turn.at, "until": turn.at})
    )
    lasted = timedelta(seconds=round((turn.at - before.begins).total_seconds()))
    turn.note("MaintenanceEnded", "Over", f"users are served again, after {lasted}")


def _announce(turn: Turn, seen: Window, before: MaintenanceStatus | None) -> None:
    known = before is not None and before.state == "Announced"
    if before is not None and known and (before.begins, before.until) == (seen.begins, seen.until):
        return
    turn.set(
        maintenance=MaintenanceStatus(
            state="Announced", since=turn.at, begins=seen.begins or turn.at, until=seen.until
        )
    )
    turn.note(
        "MaintenanceAnnounced",
        "Rescheduled" if known else "Scheduled",
        f"users will be answered 503 from {when(seen.begins)} until {when(seen.until)}:"
        f" {turn.spec.maintenance.message}",
    )


def _cancel(turn: Turn, before: MaintenanceStatus) -> None:
    missed = before.until is not None and turn.at >= before.until
    why = "the operator was away all the time" if missed else "spec.maintenance does not name it"
    turn.set(maintenance=None)
    turn.note(
        "MaintenanceCancelled",
        "Missed" if missed else "Withdrawn",
        f"the window from {when(before.begins)} is not held: {why}",
        warning=missed,
    )


def _forget(turn: Turn) -> None:
    """Drop a window that ended once nothing can be about it any more."""
    past = turn.status.maintenance
    if past is None or past.state != "Ended":
        return
    over = past.since + REMEMBERED
    if turn.at >= over:
        turn.set(maintenance=None)
        return
    aftermath = past.since + AFTERMATH
    turn.dues.append((aftermath if turn.at < aftermath else over).timestamp())


def blind(turn: Turn) -> bool:
    """Whether what is read now blames nobody: maintenance goes on, or has only just ended."""
    window = turn.status.maintenance
    if window is None or window.state == "Announced":
        return False
    return window.state == "Active" or turn.at < window.since + AFTERMATH


def covers(status: SparkDeploymentStatus, at: datetime) -> bool:
    """Whether what began then began in maintenance, or right after it."""
    window = status.maintenance
    if window is None or window.state == "Announced" or at < window.begins:
        return False
    return window.state == "Active" or at < window.since + AFTERMATH


def rests(turn: Turn) -> bool:
    """Whether the judge passes over this turn, up to and with the one that finds the end."""
    return blind(turn) or in_maintenance(turn.resource.status)
