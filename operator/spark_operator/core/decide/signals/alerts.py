"""Alerts pushed in: what each one is about, and what it does. They stop or roll back only.

An alert acts once: what was taken in stands in status by fingerprint and beginning, and one that
began before the watched release had traffic is not about it, so neither a restart nor a replay
acts a second time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from spark_operator.api.fields import to_time
from spark_operator.api.status.status import MAX_ALERTS, AlertStatus
from spark_operator.core import judge
from spark_operator.core.decide.rollback import retreat
from spark_operator.core.decide.signals import maintenance
from spark_operator.core.model.phases import ON_TRIAL, WATCHED, Phase

if TYPE_CHECKING:
    from spark_operator.api.status.status import ReleaseStatus
    from spark_operator.core.decide.draft import Turn
    from spark_operator.core.observe.values import Alert

OLDEST_SECONDS: Final = 900.0
"""An alert that began longer ago than this and was never heard of comes too late, or again."""
SKEW_SECONDS: Final = 60.0
"""How far ahead the sender's clock may be."""
FORGOTTEN: Final = timedelta(hours=24)
"""A firing alert of which nothing was heard for so long is over: senders repeat them."""

Outcome = Literal[
    "RolledBack",
    "Held",
    "Noted",
    "Resolved",
    "Repeated",
    "Stale",
    "Future",
    "WrongResource",
    "UnknownRelease",
    "Informational",
    "NotFiring",
    "TooMany",
]
"""What came of an alert; from ``Repeated`` on nothing did."""


def consume(turn: Turn) -> None:
    """Take in what arrived, and forget what nobody has repeated for a day."""
    kept = tuple(item for item in turn.status.alerts if turn.at - item.seen_at < FORGOTTEN)
    if kept != turn.status.alerts:
        turn.set(alerts=kept)
    for alert in turn.observations.alerts:
        turn.alerts.append((alert, _take(turn, alert)))
    firing = [item.seen_at for item in turn.status.alerts if item.resolved_at is None]
    if firing:
        turn.dues.append((min(firing) + FORGOTTEN).timestamp())


def alerted(turn: Turn) -> bool:
    """Guard: a critical alert is about the watched release, or about the service and it alone."""
    if not turn.spec.rollback.automatic:
        return False
    for item in turn.status.alerts:
        if item.severity != "critical" or not _concerns(turn, item):
            continue
        why = _why_at_once(turn, item) if item.release else _why_not_alike(turn)
        if why:
            _roll_back(turn, item, f"alert {item.name} ({item.fingerprint}) {why}")
            return True
    return False


def holds(turn: Turn) -> bool:
    """Whether an alert keeps the weight where it is."""
    return turn.phase in ON_TRIAL and any(
        _concerns(turn, item) and (item.severity == "critical" or not _is_shared(turn, item))
        for item in turn.status.alerts
    )


def firing(turn: Turn) -> tuple[AlertStatus, ...]:
    """The alerts that are going on, the critical ones first."""
    found = [item for item in turn.status.alerts if item.resolved_at is None]
    return tuple(sorted(found, key=lambda item: item.severity != "critical"))


def _take(turn: Turn, alert: Alert) -> Outcome:
    known = _known(turn, alert)
    if not alert.firing:
        return "NotFiring" if known is None or known.resolved_at else _resolve(turn, known)
    if known is not None:
        _replace(turn, known, seen_at=turn.at)
        return "Repeated"
    refusal = _refusal(turn, alert)
    return refusal or _add(turn, alert)


def _known(turn: Turn, alert: Alert) -> AlertStatus | None:
    key = (alert.fingerprint, to_time(alert.starts_at))
    return next((i for i in turn.status.alerts if (i.fingerprint, i.starts_at) == key), None)


def _refusal(turn: Turn, alert: Alert) -> Outcome | None:
    """Why nothing comes of a firing alert; None where something does."""
    began, watched = turn.status.first_traffic_at, _watched(turn)
    about_watched = watched is not None and alert.release in ("", watched.release)
    before_traffic = began is None or to_time(alert.starts_at) < began
    refusals: dict[Outcome, bool] = {
        "WrongResource": alert.uid not in ("", turn.resource.metadata.uid),
        "Future": alert.starts_at > turn.now + SKEW_SECONDS,
        "Stale": turn.now - alert.starts_at > OLDEST_SECONDS or (about_watched and before_traffic),
        "Informational": alert.severity == "info",
        "UnknownRelease": alert.release not in _serving(turn),
    }
    return next((refusal for refusal, holds in refusals.items() if holds), None)


def _serving(turn: Turn) -> set[str]:
    """What an alert may name: nothing, or a release that is not on its way out."""
    stable = turn.status.stable
    return {"", *(role.release for role in (stable, _watched(turn)) if role)}


def _watched(turn: Turn) -> ReleaseStatus | None:
    if turn.phase in ON_TRIAL:
        return turn.status.candidate
    return turn.status.stable if turn.phase is Phase.GUARDING else None


def _concerns(turn: Turn, item: AlertStatus) -> bool:
    """Whether an alert may act: one that was only noted, as in maintenance, never does."""
    return item.outcome != "Noted" and _is_about(turn, item)


def _is_about(turn: Turn, item: AlertStatus) -> bool:
    """Whether an alert goes on and is about the release that is watched now, or the service.

    A warning about the service blames nobody.
    """
    watched, began = _watched(turn), turn.status.first_traffic_at
    return (
        turn.phase in WATCHED
        and watched is not None
        and began is not None
        and item.resolved_at is None
        and item.starts_at >= began
        and item.release in (watched.release, *("",) * (item.severity == "critical"))
    )


def _is_shared(turn: Turn, item: AlertStatus) -> bool:
    """Whether the other release fails alike: by the judge, or by an alert of the same name."""
    if turn.verdict is not None and turn.verdict.shared:
        return True
    beside = _beside(turn)
    return beside is not None and any(
        other.name == item.name and other.release == beside.release for other in firing(turn)
    )


def _beside(turn: Turn) -> ReleaseStatus | None:
    """The release that the watched one is compared with.

    Alerts about releases that are gone may go on for a while: they say nothing about either.
    """
    return turn.status.stable if turn.phase in ON_TRIAL else turn.status.previous


def _add(turn: Turn, alert: Alert) -> Outcome:
    item = AlertStatus(
        fingerprint=alert.fingerprint,
        name=alert.name,
        release=alert.release,
        severity=alert.severity,
        starts_at=to_time(alert.starts_at),
        outcome="Noted",
        at=turn.at,
        seen_at=turn.at,
    )
    if _is_about(turn, item) and not maintenance.covers(turn.status, item.starts_at):
        item = item.model_copy(update={"outcome": "Held"})
    others = list(turn.status.alerts)
    if len(others) >= MAX_ALERTS:
        spare = next((i for i in reversed(others) if i.resolved_at), None)
        if spare is None and not (alert.release and item.outcome == "Held"):
            return "TooMany"
        others.remove(spare or others[-1])
    turn.set(alerts=(item, *others))
    about = f"release {alert.release}" if alert.release else "the service"
    turn.note(
        "AlertReceived",
        "AlertFiring",
        f"{alert.severity} alert {alert.name} ({alert.fingerprint}) is about {about}",
        release=alert.release,
        warning=True,
    )
    return "Held" if item.outcome == "Held" else "Noted"


def _resolve(turn: Turn, item: AlertStatus) -> Outcome:
    _replace(turn, item, resolved_at=turn.at, seen_at=turn.at)
    turn.note(
        "AlertResolved",
        "Resolved",
        f"alert {item.name} ({item.fingerprint}) is over: it speaks neither for nor against",
        release=item.release,
    )
    return "Resolved"


def _replace(turn: Turn, item: AlertStatus, **changes: object) -> AlertStatus:
    changed = item.model_copy(update=changes)
    turn.set(alerts=tuple(changed if other is item else other for other in turn.status.alerts))
    return changed


def _why_at_once(turn: Turn, item: AlertStatus) -> str:
    """Why an alert that names the release speaks against it; empty: stable fails alike."""
    if _is_shared(turn, item):
        return ""
    began = turn.status.first_traffic_at
    after = (item.starts_at - began).total_seconds() if began else 0.0
    return f"names this release and began {after:.0f} s after its first traffic"


def _why_not_alike(turn: Turn) -> str:
    """What speaks against the watched release and not against the other; empty: they are alike."""
    if turn.judge is None or turn.verdict is None:
        return ""
    found = judge.leaning(turn.plan, turn.judge, turn.verdict)
    return f"names the service, and stable is not alike over the same time: {found}" * bool(found)


def _roll_back(turn: Turn, item: AlertStatus, message: str) -> None:
    _replace(turn, item, outcome="RolledBack")
    turn.alerts = [
        (alert, "RolledBack" if _known(turn, alert) and outcome == "Held" else outcome)
        for alert, outcome in turn.alerts
    ]
    fired = judge.Verdict(
        kind=judge.Kind.FAIL, reason=judge.Reason.ALERT_FIRED, message=message, evidence=()
    )
    before = turn.verdict or fired
    turn.verdict = replace(before, kind=fired.kind, reason=fired.reason, message=message)
    retreat(turn, "Failed", fired.reason, message)
