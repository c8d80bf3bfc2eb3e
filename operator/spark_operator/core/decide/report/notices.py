"""The steps of a turn that concern notifications: settle what was sent, queue what is new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import clip
from spark_operator.api.status.outbox import Notice, NotificationsStatus
from spark_operator.core.decide.signals import outage
from spark_operator.core.decide.signals.maintenance import ANNOUNCEMENTS
from spark_operator.core.notifications import alarms, outbox
from spark_operator.core.notifications.routing import recipients, routes

if TYPE_CHECKING:
    from spark_operator.api.notifications import Severity
    from spark_operator.api.status.outbox import Alarm
    from spark_operator.core.decide.draft import Turn
    from spark_operator.core.notifications.alarms import Change
    from spark_operator.core.notifications.routing import Action

SLOW: Final = timedelta(seconds=60)
"""A channel that has not taken a notice for so long is shown as failing."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A notice before it is known whom it is for."""

    kind: str
    reason: str
    message: str
    severity: Severity
    release: str = ""
    action: Action = "notify"
    origin: str = ""
    """Tells two of the same kind apart; empty: the epoch and the message do."""


def settle(turn: Turn) -> None:
    """Take off the outbox what channels have taken and what is too old."""
    channels = frozenset(route.id for route in routes(turn.spec))
    if not channels:
        if turn.status.notifications is not None:
            turn.set(notifications=None)
        return
    box = turn.status.notifications or NotificationsStatus()
    box = outbox.acknowledge(box, turn.observations.delivered, channels)
    turn.set(notifications=outbox.expire(box, turn.at))


def announce(turn: Turn) -> None:
    """Queue the turn's transitions, and the beginnings and ends of failing states."""
    box = turn.status.notifications
    if box is None:
        return
    found = alarms.change(box.alarms, alarms.seen(turn.status), turn.status, turn.at)
    if found.due is not None:
        turn.dues.append(found.due.timestamp())
    # An incident is what lasts from the first alarm to the end of the last.
    incident = box.incident + (bool(found.opened) and not box.alarms)
    box = box.model_copy(update={"alarms": found.alarms, "incident": incident})
    for draft in _drafts(turn, found):
        box = outbox.put(box, _notice(turn, draft, found.alarms, incident))
    turn.set(notifications=box)


def aspect(turn: Turn) -> tuple[bool, str, str] | None:
    """What the condition ``Notified`` says: whether it holds, reason, message; None: no channels.

    It does not hold while a channel has not taken a notice for ``SLOW``.
    """
    box = turn.status.notifications
    if box is None:
        return None
    tail = ""
    if box.dropped_at:
        tail = f"; {box.dropped} given up so far, the last at {box.dropped_at:%Y-%m-%d %H:%M:%S}Z"
    for channel in sorted({channel for notice in box.outbox for channel in notice.pending}):
        waiting = [notice for notice in box.outbox if channel in notice.pending]
        slow_at = waiting[0].at + SLOW
        if slow_at > turn.at:
            turn.dues.append(slow_at.timestamp())
            continue
        problem = turn.observations.delivery_problems.get(channel, "not tried yet")
        message = (
            f"{channel} has not taken {len(waiting)} of the notifications since"
            f" {waiting[0].at:%Y-%m-%d %H:%M:%S}Z: {problem}{tail}"
        )
        return False, "ChannelFailing", message
    return True, "Delivered", f"no notification waits for longer than 60 s{tail}"


def _drafts(turn: Turn, found: Change) -> list[_Draft]:
    drafts = [
        _Draft(
            entry.decision,
            entry.reason,
            entry.message,
            "warning" if warning or entry.decision in ANNOUNCEMENTS else "info",
            entry.release,
        )
        for entry, warning in turn.notes
    ]
    for alarm, message in found.opened:
        decision = outage.REASON if alarm.reason == outage.REASON else "RollingBack"
        _tell(drafts, decision, alarm, message, "trigger")
    for alarm in found.contained:
        _tell(drafts, "RolledBack", alarm, "users no longer suffer from it", "acknowledge")
    for alarm in found.closed:
        lasted = timedelta(seconds=round((turn.at - alarm.since).total_seconds()))
        message = f"{alarm.reason} is over after {lasted}: {_now(turn)}"
        _tell(drafts, "", alarm, message, "resolve")
    return drafts


def _tell(drafts: list[_Draft], decision: str, alarm: Alarm, message: str, action: Action) -> None:
    """Let the note of the decision that made the alarm carry it, or add one of its own."""
    origin = f"{alarm.kind} {alarm.since.timestamp():.3f}"
    if alarm.kind == alarms.RELEASE_FAILED or alarm.reason == outage.REASON:
        for index, draft in enumerate(drafts):
            if draft.kind == decision and draft.action == "notify":
                drafts[index] = replace(
                    draft, severity=alarm.severity, action=action, origin=origin
                )
                return
    drafts.append(
        _Draft(alarm.kind, alarm.reason, message, alarm.severity, alarm.release, action, origin)
    )


def _now(turn: Turn) -> str:
    stable = turn.status.stable
    serving = (
        f"{stable.ready} pods of {stable.image} serve users" if stable else "nothing is stable"
    )
    return f"phase {turn.status.phase}, {serving}"


def _notice(turn: Turn, draft: _Draft, open_alarms: tuple[Alarm, ...], incident: int) -> Notice:
    return Notice(
        id=outbox.identity(
            turn.resource.metadata.uid,
            draft.kind,
            draft.reason,
            draft.release,
            draft.action,
            draft.origin or f"{turn.status.epoch} {draft.message}",
        ),
        at=turn.at,
        kind=draft.kind,
        reason=draft.reason,
        release=draft.release,
        severity=draft.severity,
        action=draft.action,
        incident=incident if draft.action != "notify" else 0,
        message=clip(draft.message),
        pending=recipients(routes(turn.spec), draft.severity, draft.action, open_alarms),
    )
