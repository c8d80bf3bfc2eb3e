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
from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import MAX_ALERTS, AlertStatus
from spark_operator.core import judge
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.decide.signals import maintenance
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import ON_TRIAL, WATCHED, Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.api.status.status import ReleaseStatus
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.observe.values import Alert

OLDEST_SECONDS: Final = 900.0
"""An alert that began longer ago than this and was never heard of comes too late, or again."""
SKEW_SECONDS: Final = 60.0
"""How far ahead the sender's clock may be."""
FORGOTTEN: Final = timedelta(hours=24)
"""A firing alert of which nothing was heard for so long is over: senders repeat them."""

AlertOutcome = Literal[
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


def consume(draft: RolloutDraft) -> None:
    """Take in what arrived, and forget what nobody has repeated for a day."""
    kept = tuple(item for item in draft.status.alerts if draft.at - item.seen_at < FORGOTTEN)
    if kept != draft.status.alerts:
        draft.set(alerts=kept)
    for alert in draft.observations.alerts:
        draft.alerts.append((alert, _take(draft, alert)))
    firing = [item.seen_at for item in draft.status.alerts if item.resolved_at is None]
    if firing:
        draft.requeue_at((min(firing) + FORGOTTEN).timestamp())


def act_on_alerts(draft: RolloutDraft) -> Progress:
    """Go back where a critical alert is about the watched release alone."""
    if not draft.spec.rollback.automatic:
        return Progress.DONE
    for item in draft.status.alerts:
        if item.severity != "critical" or not _concerns(draft, item):
            continue
        why = _why_at_once(draft, item) if item.release else _why_not_alike(draft)
        if why:
            _roll_back(draft, item, f"alert {item.name} ({item.fingerprint}) {why}")
            return Progress.LEFT_PHASE
    return Progress.DONE


def holds(draft: RolloutDraft) -> bool:
    """Whether an alert keeps the weight where it is."""
    return draft.phase in ON_TRIAL and any(
        _concerns(draft, item) and (item.severity == "critical" or not _is_shared(draft, item))
        for item in draft.status.alerts
    )


def firing(draft: RolloutDraft) -> tuple[AlertStatus, ...]:
    """The alerts that are going on, the critical ones first."""
    found = [item for item in draft.status.alerts if item.resolved_at is None]
    return tuple(sorted(found, key=lambda item: item.severity != "critical"))


def _take(draft: RolloutDraft, alert: Alert) -> AlertOutcome:
    known = _known(draft, alert)
    if not alert.firing:
        return "NotFiring" if known is None or known.resolved_at else _resolve(draft, known)
    if known is not None:
        _replace(draft, known, seen_at=draft.at)
        return "Repeated"
    refusal = _refusal(draft, alert)
    return refusal or _add(draft, alert)


def _known(draft: RolloutDraft, alert: Alert) -> AlertStatus | None:
    key = (alert.fingerprint, to_time(alert.starts_at))
    return next((i for i in draft.status.alerts if (i.fingerprint, i.starts_at) == key), None)


def _refusal(draft: RolloutDraft, alert: Alert) -> AlertOutcome | None:
    """Why nothing comes of a firing alert; None where something does."""
    began, watched = draft.status.first_traffic_at, _watched(draft)
    about_watched = watched is not None and alert.release in ("", watched.release)
    before_traffic = began is None or to_time(alert.starts_at) < began
    refusals: dict[AlertOutcome, bool] = {
        "WrongResource": alert.uid not in ("", draft.resource.metadata.uid),
        "Future": alert.starts_at > draft.now + SKEW_SECONDS,
        "Stale": draft.now - alert.starts_at > OLDEST_SECONDS or (about_watched and before_traffic),
        "Informational": alert.severity == "info",
        "UnknownRelease": alert.release not in _serving(draft),
    }
    return next((refusal for refusal, holds in refusals.items() if holds), None)


def _serving(draft: RolloutDraft) -> set[str]:
    """What an alert may name: nothing, or a release that is not on its way out."""
    stable = draft.status.stable
    return {"", *(role.release for role in (stable, _watched(draft)) if role)}


def _watched(draft: RolloutDraft) -> ReleaseStatus | None:
    if draft.phase in ON_TRIAL:
        return draft.status.candidate
    return draft.status.stable if draft.phase is Phase.GUARDING else None


def _concerns(draft: RolloutDraft, item: AlertStatus) -> bool:
    """Whether an alert may act: one that was only noted, as in maintenance, never does."""
    return item.outcome != "Noted" and _is_about(draft, item)


def _is_about(draft: RolloutDraft, item: AlertStatus) -> bool:
    """Whether an alert goes on and is about the release that is watched now, or the service.

    A warning about the service blames nobody.
    """
    watched, began = _watched(draft), draft.status.first_traffic_at
    return (
        draft.phase in WATCHED
        and watched is not None
        and began is not None
        and item.resolved_at is None
        and item.starts_at >= began
        and item.release in (watched.release, *("",) * (item.severity == "critical"))
    )


def _is_shared(draft: RolloutDraft, item: AlertStatus) -> bool:
    """Whether the other release fails alike: by the judge, or by an alert of the same name."""
    if draft.verdict is not None and draft.verdict.shared:
        return True
    beside = _beside(draft)
    return beside is not None and any(
        other.name == item.name and other.release == beside.release for other in firing(draft)
    )


def _beside(draft: RolloutDraft) -> ReleaseStatus | None:
    """The release that the watched one is compared with.

    Alerts about releases that are gone may go on for a while: they say nothing about either.
    """
    return draft.status.stable if draft.phase in ON_TRIAL else draft.status.previous


def _add(draft: RolloutDraft, alert: Alert) -> AlertOutcome:
    item = AlertStatus(
        fingerprint=alert.fingerprint,
        name=alert.name,
        release=alert.release,
        severity=alert.severity,
        starts_at=to_time(alert.starts_at),
        outcome="Noted",
        at=draft.at,
        seen_at=draft.at,
    )
    if _is_about(draft, item) and not maintenance.covers(draft.status, item.starts_at):
        item = item.model_copy(update={"outcome": "Held"})
    others = list(draft.status.alerts)
    if len(others) >= MAX_ALERTS:
        spare = next((i for i in reversed(others) if i.resolved_at), None)
        if spare is None and not (alert.release and item.outcome == "Held"):
            return "TooMany"
        others.remove(spare or others[-1])
    draft.set(alerts=(item, *others))
    about = f"release {alert.release}" if alert.release else "the service"
    draft.record(
        LedgerDecision.ALERT_RECEIVED,
        DecisionReason.ALERT_FIRING,
        f"{alert.severity} alert {alert.name} ({alert.fingerprint}) is about {about}",
        release=alert.release,
        warning=True,
    )
    return "Held" if item.outcome == "Held" else "Noted"


def _resolve(draft: RolloutDraft, item: AlertStatus) -> AlertOutcome:
    _replace(draft, item, resolved_at=draft.at, seen_at=draft.at)
    draft.record(
        LedgerDecision.ALERT_RESOLVED,
        DecisionReason.RESOLVED,
        f"alert {item.name} ({item.fingerprint}) is over: it speaks neither for nor against",
        release=item.release,
    )
    return "Resolved"


def _replace(draft: RolloutDraft, item: AlertStatus, **changes: object) -> AlertStatus:
    changed = item.model_copy(update=changes)
    draft.set(alerts=tuple(changed if other is item else other for other in draft.status.alerts))
    return changed


def _why_at_once(draft: RolloutDraft, item: AlertStatus) -> str:
    """Why an alert that names the release speaks against it; empty: stable fails alike."""
    if _is_shared(draft, item):
        return ""
    began = draft.status.first_traffic_at
    after = (item.starts_at - began).total_seconds() if began else 0.0
    return f"names this release and began {after:.0f} s after its first traffic"


def _why_not_alike(draft: RolloutDraft) -> str:
    """What speaks against the watched release and not against the other; empty: they are alike."""
    if draft.judge is None or draft.verdict is None:
        return ""
    found = judge.leaning(draft.plan, draft.judge, draft.verdict)
    return f"names the service, and stable is not alike over the same time: {found}" * bool(found)


def _roll_back(draft: RolloutDraft, item: AlertStatus, message: str) -> None:
    _replace(draft, item, outcome="RolledBack")
    draft.alerts = [
        (alert, "RolledBack" if _known(draft, alert) and outcome == "Held" else outcome)
        for alert, outcome in draft.alerts
    ]
    fired = judge.Verdict(
        kind=judge.VerdictKind.FAIL,
        reason=judge.VerdictReason.ALERT_FIRED,
        message=message,
        evidence=(),
    )
    before = draft.verdict or fired
    draft.verdict = replace(before, kind=fired.kind, reason=fired.reason, message=message)
    roll_back(draft, RolloutOutcome.FAILED, fired.reason, message)
