"""Oracles on alerts pushed in: rule 8 of ``design.md`` §5, and that none is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.oracles.safety import CUT_SECONDS
from tests.simulation.oracles.timeline import EVERYBODY, available, decisions, moments

if TYPE_CHECKING:
    from tests.simulation.oracles import Case
    from tests.simulation.world.alertmanager import Pushed


def alerts_are_answered(case: Case) -> list[str]:
    """An alert that is answered stands in status, and each is answered in the end."""
    if case.scenario.ends_on is None:
        return []
    return [
        f"{item.first:.3f}: {item.alert.name} {what}"
        for item in case.history.pushed
        for what in [_unsound(case, item)]
        if what
    ]


def _unsound(case: Case, item: Pushed) -> str:
    if item.answered is None:
        return "was never answered"
    stored = [
        (known["fingerprint"], bool(known.get("resolvedAt")))
        for change, _, after in decisions(case.history)
        if change.at <= item.answered
        for known in after.get("alerts", [])
    ]
    if item.outcome in ("Held", "Noted", "RolledBack", "Resolved", "Repeated"):
        wanted = (item.alert.fingerprint, item.outcome == "Resolved")
        return "" if wanted in stored else f"is answered {item.outcome} and stands nowhere"
    return ""


def alerts_cut_in_time(case: Case) -> list[str]:
    """Rule 4: the release that an alert names is left within 2 s of the last try."""
    acts = ("RolledBack", "Held")
    cut = [item for item in case.history.pushed if item.alert.release and item.outcome in acts]
    found = []
    for item in cut:
        release = item.alert.release
        for moment in moments(case.history):
            if moment.at < item.sent:
                continue
            late = available(case.history, item.sent, moment.at)
            if moment.route not in (EVERYBODY, release) or not moment.ready.get(release):
                break
            if late > CUT_SECONDS:
                found.append(f"{moment.at:.3f}: still on {release}, {late:.1f} s after the alert")
                break
    return found


def alerts_act_once(case: Case) -> list[str]:
    """Rule 8: an alert rolls back once, however often it is sent."""
    acted = [
        (entry["release"], entry["at"])
        for entry in _ledger(case)
        if entry.get("reason") == "AlertFired" and entry.get("decision") == "RollingBack"
    ]
    alerts = {(item.alert.fingerprint, item.alert.starts_at) for item in case.history.pushed}
    return [f"{acted} by {len(alerts)} alerts"] if len(acted) > len(alerts) else []


def _ledger(case: Case) -> list[dict[str, str]]:
    seen: dict[tuple[str, str, str], dict[str, str]] = {}
    for _, __, after in decisions(case.history):
        for entry in after.get("ledger", []):
            seen[entry["at"], entry["decision"], entry.get("reason", "")] = entry
    return list(seen.values())
