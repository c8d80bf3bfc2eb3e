"""Failing states, read from the conditions: when each begins, is contained, and is over.

A state that comes and goes is one state: it is over once it has stayed away for ``CALM``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from spark_operator.api.status.outbox import MAX_ALARMS, Alarm
from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.core.judge.verdict import VerdictReason
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import ConditionReason
from spark_operator.core.notifications.routing import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spark_operator.api.notifications import Severity
    from spark_operator.api.status.status import Condition, SparkDeploymentStatus

CALM: Final = timedelta(seconds=30)
PATIENCE: Final = timedelta(seconds=60)
"""How long pods may be missing before somebody is told: a rolling restart is no failure."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One failing state and the condition that shows it.

    Attributes:
        kind: name of the state.
        condition: type of the condition.
        bad: the condition's status while the state lasts.
        severity: how bad it is, unless ``by_reason`` names the condition's reason.
        by_reason: how bad it is for reasons that are better or worse than the rest.
        patient: reasons that are a failing state only once they have lasted ``PATIENCE``.
        ignored: reasons that are no failing state of this kind.
    """

    kind: str
    condition: str
    bad: Literal["True", "False"]
    severity: Severity
    by_reason: Mapping[str, Severity] = field(default_factory=dict)
    patient: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


RULES: Final = (
    Rule(
        "Unavailable",
        "Available",
        "False",
        "critical",
        ignored=frozenset({ConditionReason.NOTHING_STABLE, ConditionReason.MAINTENANCE}),
    ),
    Rule(
        "Degraded",
        "Degraded",
        "True",
        "critical",
        by_reason={
            ConditionReason.PODS_NOT_READY: "warning",
            VerdictReason.BREAKER_OPEN: "warning",
            ConditionReason.SEVERAL_DIGESTS: "warning",
            ConditionReason.ALERT_WARNING: "warning",
            ConditionReason.REVISION_MISSING: "warning",
        },
        patient=frozenset({ConditionReason.PODS_NOT_READY}),
    ),
    Rule(
        "Stalled",
        "Stalled",
        "True",
        "warning",
        by_reason={ConditionReason.PROGRESS_DEADLINE_EXCEEDED: "critical"},
        ignored=frozenset(
            {
                ConditionReason.RELEASE_QUARANTINED,
                ConditionReason.ROLLBACK_REQUESTED,
                RolloutOutcome.FAILED,
                RolloutOutcome.INCONCLUSIVE,
                RolloutOutcome.ABORTED,
            }
        ),
    ),
)
RELEASE_FAILED: Final = "ReleaseFailed"
"""From the moment a release's traffic is cut for a failure until the resource moves on."""


class Sight(NamedTuple):
    """A failing state as it is seen now."""

    reason: str
    message: str
    severity: Severity
    release: str = ""
    contained: bool = False
    since: datetime | None = None
    """It counts from here; None: at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the alarms in one decision.

    Attributes:
        alarms: those that are open now.
        opened: new ones, and those that became worse, with what is seen.
        contained: those that users no longer suffer from since now.
        closed: those that are over.
        due: when to look again, if nothing else happens.
    """

    alarms: tuple[Alarm, ...]
    opened: tuple[tuple[Alarm, str], ...]
    contained: tuple[Alarm, ...]
    closed: tuple[Alarm, ...]
    due: datetime | None


def seen(status: SparkDeploymentStatus) -> dict[str, Sight]:
    """Return the failing states that a status shows."""
    found = {
        rule.kind: sight
        for condition in status.conditions
        for rule in RULES
        if (sight := _sight(rule, condition)) is not None
    }
    failure = status.failure
    retreating = status.phase in (Phase.ROLLING_BACK.value, Phase.ROLLED_BACK.value)
    if retreating and failure is not None and failure.outcome == RolloutOutcome.FAILED:
        found[RELEASE_FAILED] = Sight(
            failure.reason,
            failure.message,
            "critical",
            failure.release,
            contained=status.phase == Phase.ROLLED_BACK.value,
        )
    return found


def _sight(rule: Rule, condition: Condition) -> Sight | None:
    if condition.type != rule.condition or condition.status != rule.bad:
        return None
    if condition.reason in rule.ignored:
        return None
    patient = condition.reason in rule.patient
    return Sight(
        condition.reason,
        condition.message,
        rule.by_reason.get(condition.reason, rule.severity),
        since=condition.last_transition_time + PATIENCE if patient else None,
    )


def change(
    before: Iterable[Alarm],
    sights: Mapping[str, Sight],
    status: SparkDeploymentStatus,
    at: datetime,
) -> Change:
    """Follow the alarms to what is seen now.

    A release that was cut and quarantined without users having met it is no new alarm: only one
    that is not contained opens one.
    """
    known = {alarm.kind: alarm for alarm in before}
    dues: list[datetime] = []
    opened: list[tuple[Alarm, str]] = []
    contained: list[Alarm] = []
    closed: list[Alarm] = []
    for kind, sight in sights.items():
        alarm = known.get(kind)
        if alarm is None and (sight.contained or len(known) >= MAX_ALARMS):
            continue
        if alarm is None or RANK[sight.severity] > RANK[alarm.severity]:
            if sight.since is not None and sight.since > at:
                dues.append(sight.since)
                continue
            known[kind] = _alarm(kind, sight, at)
            opened.append((known[kind], sight.message))
        elif sight.contained and not alarm.contained:
            known[kind] = alarm.model_copy(update={"contained": True})
            contained.append(known[kind])
    for kind in set(known) - set(sights):
        calm = _calm_at(kind, status)
        if calm is None or calm <= at:
            closed.append(known.pop(kind))
        else:
            dues.append(calm)
    return Change(
        alarms=tuple(sorted(known.values(), key=lambda alarm: alarm.kind)),
        opened=tuple(opened),
        contained=tuple(contained),
        closed=tuple(sorted(closed, key=lambda alarm: alarm.kind)),
        due=min(dues, default=None),
    )


def _alarm(kind: str, sight: Sight, at: datetime) -> Alarm:
    return Alarm(
        kind=kind,
        reason=sight.reason,
        release=sight.release,
        severity=sight.severity,
        since=at,
        contained=sight.contained,
    )


def _calm_at(kind: str, status: SparkDeploymentStatus) -> datetime | None:
    """Return when a state that is not seen any more is over; None: at once."""
    condition = next((rule.condition for rule in RULES if rule.kind == kind), None)
    changed = [c.last_transition_time for c in status.conditions if c.type == condition]
    return changed[0] + CALM if changed else None
