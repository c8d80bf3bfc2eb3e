"""The steps of a decision that concern notifications: settle what was sent, queue what is new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import clip
from spark_operator.api.status.outbox import Notice, NotificationsStatus
from spark_operator.core.decide.signals import outage
from spark_operator.core.decide.signals.maintenance import ANNOUNCEMENTS
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import ConditionReason
from spark_operator.core.notifications import alarms, outbox
from spark_operator.core.notifications.routing import recipients, routes

if TYPE_CHECKING:
    from spark_operator.api.notifications import Severity
    from spark_operator.api.status.outbox import Alarm
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.notifications.alarms import Change
    from spark_operator.core.notifications.routing import Action

SLOW: Final = timedelta(seconds=60)
"""A channel that has not taken a notice for so long is shown as failing."""


@dataclass(frozen=True, slots=True)
class _Unaddressed:
    """A notice before it is known whom it is for."""

    kind: str
    reason: str
    message: str
    severity: Severity
    release: str = ""
    action: Action = "notify"
    origin: str = ""
    """Tells two of the same kind apart; empty: the epoch and the message do."""


def settle(draft: RolloutDraft) -> None:
    """Take off the outbox what channels have taken and what is too old."""
    channels = frozenset(route.id for route in routes(draft.spec))
    if not channels:
        if draft.status.notifications is not None:
            draft.set(notifications=None)
        return
    box = draft.status.notifications or NotificationsStatus()
    box = outbox.acknowledge(box, draft.observations.delivered, channels)
    draft.set(notifications=outbox.expire(box, draft.at))


def announce(draft: RolloutDraft) -> None:
    """Queue the decision's transitions, and the beginnings and ends of failing states."""
    box = draft.status.notifications
    if box is None:
        return
    found = alarms.change(box.alarms, alarms.seen(draft.status), draft.status, draft.at)
    if found.due is not None:
        draft.requeue_at(found.due.timestamp())
    # An incident is what lasts from the first alarm to the end of the last.
    incident = box.incident + (bool(found.opened) and not box.alarms)
    box = box.model_copy(update={"alarms": found.alarms, "incident": incident})
    for item in _unaddressed(draft, found):
        box = outbox.put(box, _notice(draft, item, found.alarms, incident))
    draft.set(notifications=box)


def aspect(draft: RolloutDraft) -> tuple[bool, str, str] | None:
    """Return what the condition ``Notified`` says: status, reason, message; None: no channels.

    It does not hold while a channel has not taken a notice for ``SLOW``.
    """
    box = draft.status.notifications
    if box is None:
        return None
    tail = ""
    if box.dropped_at:
        tail = f"; {box.dropped} given up so far, the last at {box.dropped_at:%Y-%m-%d %H:%M:%S}Z"
    for channel, since in _waiting_since(box):
        if since + SLOW > draft.at:
            continue
        waiting = sum(channel in notice.pending for notice in box.outbox)
        problem = draft.observations.delivery_problems.get(channel, "not tried yet")
        message = (
            f"{channel} has not taken {waiting} of the notifications since"
            f" {since:%Y-%m-%d %H:%M:%S}Z: {problem}{tail}"
        )
        return False, ConditionReason.CHANNEL_FAILING, message
    return True, ConditionReason.DELIVERED, f"no notification waits for longer than 60 s{tail}"


def requeue_for_slow_channels(draft: RolloutDraft) -> None:
    """Look again when the first channel has had a notice for so long that it counts as failing."""
    box = draft.status.notifications
    for _, since in _waiting_since(box) if box else ():
        if since + SLOW <= draft.at:
            return
        draft.requeue_at((since + SLOW).timestamp())


def _waiting_since(box: NotificationsStatus) -> list[tuple[str, datetime]]:
    """Return the channels, by name, and when the oldest notice came that each has not taken."""
    oldest: dict[str, datetime] = {}
    for notice in box.outbox:
        for channel in notice.pending:
            oldest.setdefault(channel, notice.at)
    return sorted(oldest.items())


def _unaddressed(draft: RolloutDraft, found: Change) -> list[_Unaddressed]:
    notices = [
        _Unaddressed(
            entry.decision,
            entry.reason,
            entry.message,
            "warning" if warning or entry.decision in ANNOUNCEMENTS else "info",
            entry.release,
        )
        for entry, warning in draft.recorded
    ]
    for alarm, message in found.opened:
        is_outage = alarm.reason == outage.REASON
        decision = LedgerDecision.PROVIDER_DOWN if is_outage else LedgerDecision.ROLLING_BACK
        _tell(notices, decision, alarm, message, "trigger")
    for alarm in found.contained:
        _tell(
            notices,
            LedgerDecision.ROLLED_BACK,
            alarm,
            "users no longer suffer from it",
            "acknowledge",
        )
    for alarm in found.closed:
        lasted = timedelta(seconds=round((draft.at - alarm.since).total_seconds()))
        message = f"{alarm.reason} is over after {lasted}: {_now(draft)}"
        _tell(notices, "", alarm, message, "resolve")
    return notices


def _tell(
    notices: list[_Unaddressed], decision: str, alarm: Alarm, message: str, action: Action
) -> None:
    """Let the note of the decision that made the alarm carry it, or add one of its own."""
    origin = f"{alarm.kind} {alarm.since.timestamp():.3f}"
    if alarm.kind == alarms.RELEASE_FAILED or alarm.reason == outage.REASON:
        for index, item in enumerate(notices):
            if item.kind == decision and item.action == "notify":
                notices[index] = replace(
                    item, severity=alarm.severity, action=action, origin=origin
                )
                return
    notices.append(
        _Unaddressed(
            alarm.kind, alarm.reason, message, alarm.severity, alarm.release, action, origin
        )
    )


def _now(draft: RolloutDraft) -> str:
    stable = draft.status.stable
    serving = (
        f"{stable.ready} pods of {stable.image} serve users" if stable else "nothing is stable"
    )
    return f"phase {draft.status.phase}, {serving}"


def _notice(
    draft: RolloutDraft, item: _Unaddressed, open_alarms: tuple[Alarm, ...], incident: int
) -> Notice:
    return Notice(
        id=outbox.identity(
            draft.resource.metadata.uid,
            item.kind,
            item.reason,
            item.release,
            item.action,
            item.origin or f"{draft.status.epoch} {item.message}",
        ),
        at=draft.at,
        kind=item.kind,
        reason=item.reason,
        release=item.release,
        severity=item.severity,
        action=item.action,
        incident=incident if item.action != "notify" else 0,
        message=clip(item.message),
        pending=recipients(routes(draft.spec), item.severity, item.action, open_alarms),
    )
