"""What an alert does, by what it names, when it began, and what stable does meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.fields import to_time
from spark_operator.api.status.status import AlertStatus
from spark_operator.core.decide.decide import decide
from spark_operator.core.observe.values import Alert
from tests.unit.operator.core.builders import NOW, judged, name, resource, seen, status, workload
from tests.unit.operator.core.decide.cases import (
    BAD,
    BOTH_BAD,
    GOOD,
    ONE,
    SILENT,
    at,
    guarded,
    shared,
    under_guard,
)

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations

TRAFFIC = NOW - 60
LEANING = judged(0.06, 0.0, seconds=8)
"""Worse than stable, and not yet proven."""


def alert(**changes: Any) -> Alert:
    given = {"fingerprint": "a1b2c3d4e5f60718", "name": "SparkErrorRate", "starts_at": NOW - 5}
    return Alert(**{**given, **changes})


def decided(
    before: SparkDeploymentStatus,
    world: Observations,
    *alerts: Alert,
    now: float = NOW,
    **spec: Any,
) -> Decision:
    observations = type(world)(
        workloads=world.workloads,
        revisions=world.revisions,
        route=world.route,
        judge=world.judge,
        alerts=alerts,
    )
    return decide(resource(2, before, **spec), observations, now)


def outcome(decision: Decision) -> str:
    return decision.alerts[-1][1]


def test_one_that_names_the_candidate_rolls_back_at_once() -> None:
    decision = decided(at(0, 5), shared(), alert(release=name(2)))
    assert outcome(decision) == "RolledBack"
    assert (decision.status.phase, decision.status.weight.desired) == ("RollingBack", 0)
    assert decision.status.verdict is not None
    assert (decision.status.verdict.verdict, decision.status.verdict.reason) == (
        "Fail",
        "AlertFired",
    )
    assert "SparkErrorRate (a1b2c3d4e5f60718) names this release and began 55 s" in (
        decision.status.ledger[0].message
    )
    assert [entry.release for entry in decision.status.quarantine] == [name(2)]


@pytest.mark.parametrize("phase", ["Paused", "Promoting"])
def test_no_pause_and_no_promotion_delays_it(phase: str) -> None:
    decision = decided(at(1, 25, phase), shared(), alert(release=name(2)), paused=True)
    assert decision.status.phase == "RollingBack"


def test_under_guard_the_warm_release_takes_over() -> None:
    decision = decided(guarded(), under_guard(), alert(release=name(2)))
    assert decision.status.phase == "RollingBack"
    assert decision.status.stable is not None
    assert decision.status.stable.release == name(1)


def test_before_its_first_traffic_it_is_not_about_this_trial() -> None:
    early = alert(release=name(2), starts_at=TRAFFIC - 0.5)
    decision = decided(at(0, 5), shared(), early)
    assert outcome(decision) == "Stale"
    assert decision.status.phase == "Progressing"
    assert decision.status.alerts == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"starts_at": NOW - 901}, "Stale"),
        ({"starts_at": NOW + 61}, "Future"),
        ({"uid": "0b5b8d4e-0000-4000-8000-000000000002"}, "WrongResource"),
        ({"release": "aaaaaaaaaa"}, "UnknownRelease"),
        ({"severity": "info"}, "Informational"),
        ({"firing": False}, "NotFiring"),
    ],
)
def test_what_is_not_about_it_does_nothing(changes: dict[str, Any], said: str) -> None:
    given = {"release": name(2), **changes}
    decision = decided(at(0, 5, traffic=NOW - 2000), shared(), alert(**given))
    assert outcome(decision) == said
    assert decision.status.phase == "Progressing"
    assert decision.status.alerts == ()


def test_a_warning_that_names_the_candidate_holds() -> None:
    decision = decided(at(0, 5), shared(GOOD), alert(release=name(2), severity="warning"))
    assert outcome(decision) == "Held"
    assert (decision.status.phase, decision.status.weight.desired) == ("Progressing", 5)


def test_a_warning_that_names_the_service_blames_nobody() -> None:
    decision = decided(at(0, 5), shared(GOOD), alert(severity="warning"))
    assert outcome(decision) == "Noted"
    assert decision.status.weight.desired == 25


@pytest.mark.parametrize(("severity", "weight"), [("critical", 5), ("warning", 25)])
def test_one_of_the_same_name_about_stable_means_that_both_fail(severity: str, weight: int) -> None:
    both = [
        alert(release=name(1), severity=severity, fingerprint="a1"),
        alert(release=name(2), severity=severity, fingerprint="a2"),
    ]
    decision = decided(at(0, 5), shared(GOOD), *both)
    assert (decision.status.phase, decision.status.weight.desired) == ("Progressing", weight)
    assert any(c.type == "Degraded" and c.status == "True" for c in decision.status.conditions)


def test_what_both_fail_at_is_not_blamed_on_the_release() -> None:
    decision = decided(at(0, 5), shared(BOTH_BAD), alert(release=name(2)))
    assert (decision.status.phase, outcome(decision)) == ("Progressing", "Held")


@pytest.mark.parametrize("guard", [False, True])
def test_one_of_the_same_name_about_a_release_that_is_gone_excuses_nobody(guard: bool) -> None:
    former = AlertStatus(
        fingerprint="f0",
        name="SparkErrorRate",
        release=name(3),
        severity="critical",
        starts_at=to_time(NOW - 400),
        outcome="RolledBack",
        at=to_time(NOW - 400),
        seen_at=to_time(NOW - 20),
    )
    before = guarded() if guard else at(0, 5)
    known = before.model_copy(update={"alerts": (former,)})
    world = under_guard() if guard else shared(GOOD)
    decision = decided(known, world, alert(release=name(2)))
    assert (decision.status.phase, outcome(decision)) == ("RollingBack", "RolledBack")


def test_without_it_the_same_turn_advances() -> None:
    assert decided(at(0, 5), shared(GOOD)).status.weight.desired == 25


def test_one_that_names_the_service_holds_while_stable_is_alike() -> None:
    decision = decided(at(0, 5), shared(GOOD), alert())
    assert outcome(decision) == "Held"
    assert (decision.status.phase, decision.status.weight.desired) == ("Progressing", 5)
    degraded = next(item for item in decision.status.conditions if item.type == "Degraded")
    assert (degraded.status, degraded.reason) == ("True", "AlertFiring")


def test_one_that_names_the_service_holds_while_nothing_is_known() -> None:
    assert decided(at(0, 5), shared(SILENT), alert()).status.phase == "Progressing"


def test_one_that_names_the_service_rolls_back_when_stable_is_not_alike() -> None:
    assert decided(at(0, 5), shared(LEANING)).status.phase == "Progressing"
    decision = decided(at(0, 5), shared(LEANING), alert())
    assert decision.status.phase == "RollingBack"
    assert "stable is not alike over the same time" in decision.status.ledger[0].message


def test_a_hold_turns_into_a_rollback_when_the_evidence_comes() -> None:
    first = decided(at(0, 5), shared(GOOD), alert())
    later = decided(first.status, shared(LEANING), now=NOW + 1)
    assert later.status.phase == "RollingBack"
    assert later.status.alerts[0].outcome == "RolledBack"


def test_a_resolved_alert_ends_the_hold_and_promotes_nothing_by_itself() -> None:
    first = decided(at(0, 5), shared(GOOD), alert())
    resolved = decided(first.status, shared(SILENT), alert(firing=False), now=NOW + 1)
    assert outcome(resolved) == "Resolved"
    assert resolved.status.weight.desired == 5
    assert decided(resolved.status, shared(GOOD), now=NOW + 2).status.weight.desired == 25


def test_a_replay_acts_no_second_time() -> None:
    first = decided(at(0, 5), shared(), alert(release=name(2)))
    gone = first.status.model_copy(update={"phase": "RolledBack", "candidate": None})
    again = decided(gone, seen(ONE), alert(release=name(2)), now=NOW + 30)
    assert outcome(again) == "Repeated"
    assert again.status.ledger == gone.ledger


def test_a_replay_does_not_hit_the_next_trial_of_the_same_release() -> None:
    retried = at(0, 5, traffic=NOW + 100)
    decision = decided(retried, shared(GOOD), alert(release=name(2)), now=NOW + 160)
    assert outcome(decision) == "Stale"
    assert decision.status.phase == "Progressing"


def test_automatic_rollback_off_means_degraded_and_held() -> None:
    off: dict[str, Any] = {"rollback": {"automatic": False}}
    decision = decided(at(0, 5), shared(GOOD), alert(release=name(2)), **off)
    assert (decision.status.phase, decision.status.weight.desired) == ("Progressing", 5)
    assert outcome(decision) == "Held"


def test_at_rest_it_raises_a_condition_only() -> None:
    rest = status("Stable", stable=2)
    decision = decided(rest, seen(workload(2, 4), route=2), alert(release=name(2)))
    assert (outcome(decision), decision.status.phase) == ("Noted", "Stable")
    assert any(
        c.type == "Degraded" and c.reason == "AlertFiring" for c in decision.status.conditions
    )


def test_one_nobody_repeats_is_over_after_a_day() -> None:
    rest = decided(status("Stable", stable=2), seen(workload(2, 4), route=2), alert()).status
    day = decided(rest, seen(workload(2, 4), route=2), now=NOW + 86_400)
    assert day.status.alerts == ()


def test_a_flood_is_bounded_and_hides_no_alert_that_counts() -> None:
    flood = tuple(alert(fingerprint=f"{number:x}") for number in range(40))
    held = decided(at(0, 5), shared(GOOD), *flood)
    assert [said for _, said in held.alerts].count("TooMany") == 24
    assert len(held.status.alerts) == 16
    decision = decided(held.status, shared(GOOD), alert(release=name(2)), now=NOW + 1)
    assert decision.status.phase == "RollingBack"


def test_a_failing_verdict_needs_no_alert() -> None:
    decision = decided(at(0, 5), shared(BAD), alert())
    assert decision.status.phase == "RollingBack"
    assert decision.status.alerts[0].starts_at == to_time(NOW - 5)
