"""Maintenance windows and freezes: what holds now, and what happens at their edges."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from spark_operator.api.status import MaintenanceStatus
from spark_operator.api.values import seconds
from spark_operator.core import quarantine
from spark_operator.core.turn import clip

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.status import SparkDeploymentStatus
    from spark_operator.api.windows import Freeze, Maintenance
    from spark_operator.core.turn import Turn

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


def active(status: SparkDeploymentStatus) -> bool:
    """Whether users are answered 503 on purpose."""
    return status.maintenance is not None and status.maintenance.state == "Active"


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
    return blind(turn) or active(turn.resource.status)


def frozen(turn: Turn) -> Freeze | None:
    """The freeze that keeps the wanted release from starting; None where none does.

    Going back is no start: to stable, to one that was stable before, to one that a person asked
    for by name.  The first release of all has nobody to disturb.
    """
    stable, override = turn.status.stable, turn.status.override
    wanted = turn.desired.name
    if stable is None or wanted in (stable.release, override.release if override else ""):
        return None
    if quarantine.was_stable(turn.status, wanted):
        return None
    now = [freeze for freeze in turn.spec.freeze if freeze.from_ <= turn.at < freeze.until]
    return max(now, key=lambda freeze: freeze.until, default=None)


def waits(turn: Turn) -> str:
    """Why the wanted release does not start, in words; empty where no freeze holds it.

    One that has started goes on: a freeze is about starting.
    """
    role = turn.status.candidate
    freeze = None if role and role.release == turn.desired.name else frozen(turn)
    if freeze is None:
        return ""
    reason = f" ({freeze.reason})" if freeze.reason else ""
    return clip(
        f"releases are frozen until {when(freeze.until)}{reason}: {turn.desired.image} waits"
    )


def hold_back(turn: Turn) -> bool:
    """Whether the wanted release has to wait for a freeze to end."""
    freeze = frozen(turn)
    if freeze is not None:
        turn.dues.append(freeze.until.timestamp())
    return freeze is not None


def tell(turn: Turn) -> None:
    """Tell once that a release waits for a freeze to end."""
    why = waits(turn)
    said = (
        *(item.message for item in turn.resource.status.conditions),
        *(entry.message for entry in turn.status.ledger if entry.decision == "Frozen"),
    )
    if why and why not in said:
        turn.note("Frozen", "Freeze", why, release=turn.desired.name)


def when(at: datetime | None) -> str:
    """A time as people read it."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else "an unknown time"
