"""Maintenance from announcement to aftermath, and freezes, one decision each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.fields import format_time, to_time
from spark_operator.api.status.status import HistoryEntry, MaintenanceStatus, Override, StepStatus
from spark_operator.core import judge
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.signals.maintenance import look
from spark_operator.core.observe.values import Alert
from tests.unit.operator.core.builders import (
    IMAGES,
    NOW,
    judged,
    name,
    resource,
    role,
    seen,
    status,
)
from tests.unit.operator.core.decide.cases import (
    FOUR_TWOS,
    ONE,
    TWO,
    at,
    guarded,
    shared,
    under_guard,
)

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations


def moment(seconds: float) -> str:
    return format_time(to_time(NOW + seconds))


def window(begins: float, until: float, **more: Any) -> dict[str, Any]:
    return {"from": moment(begins), "until": moment(until), **more}


def closed(
    state: str = "Active", since: float = -60.0, begins: float = -60.0, until: float | None = 60.0
) -> MaintenanceStatus:
    return MaintenanceStatus.model_validate(
        {
            "state": state,
            "since": to_time(NOW + since),
            "begins": to_time(NOW + begins),
            "until": None if until is None else to_time(NOW + until),
        }
    )


def decided(
    version: int, before: SparkDeploymentStatus, world: Observations, **spec: Any
) -> Decision:
    return decide(resource(version, before, **spec), world, NOW)


def told(decision: Decision) -> list[str]:
    return [event.reason for event in decision.events]


def condition(decision: Decision, kind: str) -> tuple[str, str]:
    found = next(item for item in decision.status.conditions if item.type == kind)
    return found.status, found.reason


AT_REST = status("Stable")
SEEN = seen(ONE)


@pytest.mark.parametrize(
    ("begins", "until", "announce", "state", "edge"),
    [
        (7200, 9000, "1h", None, 3600),
        (3600, 9000, "1h", "Announced", 3600),
        (0, 60, "1h", "Active", 60),
        (-60, 1, "1h", "Active", 1),
        (-60, 0, "1h", None, None),
        (10, 60, "0s", None, 10),
    ],
)
def test_what_a_window_says_of_now(
    begins: float, until: float, announce: str, state: str | None, edge: float | None
) -> None:
    given = resource(maintenance=window(begins, until, announce=announce)).spec.maintenance
    found = look(given, to_time(NOW))
    assert found.state == state
    assert found.edge == (None if edge is None else to_time(NOW + edge))


def test_a_window_is_announced_once() -> None:
    spec = {"maintenance": window(600, 1200)}
    first = decided(1, AT_REST, SEEN, **spec)
    assert told(first) == ["MaintenanceAnnounced"]
    assert first.next_due == NOW + 600
    assert condition(first, "MaintenanceMode") == ("False", "Announced")
    assert condition(first, "Available")[0] == "True"
    assert told(decided(1, first.status, SEEN, **spec)) == []
    moved = decided(1, first.status, SEEN, maintenance=window(700, 1200))
    assert [entry.reason for entry in moved.status.ledger[:1]] == ["Rescheduled"]


def test_a_window_begins_and_users_are_said_not_to_be_served() -> None:
    decision = decided(1, AT_REST, SEEN, maintenance=window(0, 60))
    assert told(decision) == ["MaintenanceStarted"]
    assert decision.next_due == NOW + 60
    assert condition(decision, "MaintenanceMode") == ("True", "Active")
    assert condition(decision, "Available") == ("False", "Maintenance")
    assert decision.status.epoch > AT_REST.epoch


def test_a_window_is_told_and_raises_no_alarm() -> None:
    spec = {"notifications": {"webhook": [{"url": "https://hooks.example.com/x"}]}}
    decision = decided(1, AT_REST, SEEN, maintenance=window(0, 60), **spec)
    box = decision.status.notifications
    assert box is not None
    assert [(item.kind, item.severity) for item in box.outbox] == [
        ("MaintenanceStarted", "warning")
    ]
    assert box.alarms == ()
    assert not any(event.warning for event in decision.events)


def test_a_window_that_ended_while_nobody_looked_ends_now() -> None:
    before = status("Stable", maintenance=closed(until=-30.0))
    decision = decided(1, before, SEEN, maintenance=window(-60, -30))
    assert told(decision) == ["MaintenanceEnded"]
    assert decision.status.maintenance == closed("Ended", since=0.0, until=0.0)
    assert condition(decision, "Available")[0] == "True"
    assert decision.next_due == NOW + 15


def test_enabled_lasts_until_it_is_switched_off() -> None:
    on = decided(1, AT_REST, SEEN, maintenance={"enabled": True})
    assert on.status.maintenance is not None
    assert on.status.maintenance.until is None
    assert on.next_due is None
    assert told(decided(1, on.status, SEEN)) == ["MaintenanceEnded"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({}, "Withdrawn"), ({"maintenance": window(-60, 0)}, "Missed")],
)
def test_an_announced_window_that_is_not_held_is_said_so(spec: Any, reason: str) -> None:
    until = 0.0 if spec else 60.0
    before = status("Stable", maintenance=closed("Announced", begins=-60.0, until=until))
    decision = decided(1, before, SEEN, **spec)
    assert decision.status.ledger[0].decision == "MaintenanceCancelled"
    assert decision.status.ledger[0].reason == reason
    assert decision.status.maintenance is None


def test_an_ended_window_is_forgotten_after_a_quarter_of_an_hour() -> None:
    before = status("Stable", maintenance=closed("Ended", since=-900.0, until=-900.0))
    assert decided(1, before, SEEN).status.maintenance is None


def test_a_release_applied_inside_goes_straight_to_all_traffic() -> None:
    before = status("Pending", maintenance=closed())
    decision = decided(2, before, seen(ONE, TWO), maintenance=window(-60, 60))
    assert decision.status.phase == "Promoting"
    assert decision.status.step is not None
    assert decision.status.step.in_maintenance
    assert decision.status.ledger[0].reason == "MaintenanceWindow"


def inside(**more: Any) -> SparkDeploymentStatus:
    step = StepStatus(index=3, total=4, entered_at=to_time(NOW - 5), in_maintenance=True)
    return status("Promoting", candidate=2, traffic=None, **more).model_copy(update={"step": step})


def test_it_is_switched_to_without_a_verdict() -> None:
    world = seen(ONE, FOUR_TWOS)
    decision = decided(2, inside(maintenance=closed()), world, maintenance=window(-60, 60))
    assert told(decision) == ["TrafficSwitched"]
    assert decision.status.weight.desired == 100


def test_it_is_verified_before_it_is_switched_to() -> None:
    given = resource(
        2,
        inside(maintenance=closed()),
        verification={"enabled": True},
        maintenance=window(-60, 60),
    )
    decision = decide(given, seen(ONE, FOUR_TWOS), NOW)
    assert decision.status.weight.desired == 0
    assert [job.kind for job in decision.status.jobs] == ["verify"]


def test_users_who_came_back_first_meet_it_step_by_step() -> None:
    before = inside(maintenance=closed(until=-1.0))
    decision = decided(2, before, seen(ONE, FOUR_TWOS), maintenance=window(-60, -1))
    assert told(decision) == ["MaintenanceEnded", "TrialStarted"]
    after = decision.status
    assert (after.phase, after.weight.desired) == ("Progressing", 5)
    assert after.step is not None
    assert (after.step.index, after.step.in_maintenance) == (0, False)
    later = after.model_copy(update={"maintenance": None})
    held = decided(2, later, seen(ONE, FOUR_TWOS, judge=judged(0.0)))
    assert held.status.first_traffic_at is None, "more pods than its weight share the traffic"


@pytest.mark.parametrize("state", ["Active", "Ended"])
def test_a_trial_holds_its_weight_and_its_clock(state: str) -> None:
    before = at(1, 25, maintenance=closed(state, since=-5.0), entered=NOW - 3600)
    spec = {"maintenance": window(-60, 60)} if state == "Active" else {}
    decision = decided(2, before, shared(), **spec)
    assert decision.status.phase == "Progressing"
    assert decision.status.weight.desired == 25
    assert decision.status.step is not None
    assert decision.status.step.entered_at == to_time(NOW)


def test_the_end_of_maintenance_starts_the_evidence_for_a_pass_anew() -> None:
    before = at(1, 25, maintenance=closed("Ended", since=-14.9, until=-14.9))
    last = decided(2, before, shared(judged(0.0)))
    assert last.judge is not None
    assert (last.judge.step.n, last.judge.candidate) == (0.0, ())
    after = before.model_copy(update={"maintenance": None})
    assert decided(2, after, shared(last.judge)).status.weight.desired == 25


def test_failures_in_maintenance_blame_nobody_and_those_after_it_do() -> None:
    state = judge.resume(judged(0.0), NOW)
    before = at(1, 25, maintenance=closed(until=None))
    for second in range(1, 30):
        world = shared(state, tick=failing(NOW + second))
        given = resource(2, before, maintenance={"enabled": True})
        decision = decide(given, world, NOW + second)
        assert decision.status.phase == "Progressing"
        assert decision.judge is not None
        state = decision.judge
    for second in range(30, 60):
        world = shared(state, tick=failing(NOW + second))
        after = before.model_copy(update={"maintenance": None})
        decision = decide(resource(2, after), world, NOW + second)
        assert decision.judge is not None
        state = decision.judge
        if decision.status.phase == "RollingBack":
            return
    pytest.fail("a release that fails after maintenance is not rolled back")


def failing(now: float) -> judge.Tick:
    n = 20.0 * (now - NOW + 60)
    return judge.Tick(
        at=now, candidate=(sampled("2-0", now, n, n),), stable=(sampled("1-0", now, n, 0.0),)
    )


def sampled(uid: str, now: float, requests: float, errors: float) -> judge.PodSample:
    values = judge.Counters(requests=requests, failures_app=errors, failures_provider=0.0)
    return judge.PodSample(uid, now, values, ready=True, restarts=0, started_at=NOW - 600)


def test_a_failure_proven_before_maintenance_is_answered_in_it() -> None:
    before = at(1, 25, maintenance=closed(until=None))
    decision = decided(2, before, shared(judged(0.5)), maintenance={"enabled": True})
    assert decision.status.phase == "RollingBack"


@pytest.mark.parametrize(
    ("began", "phase"),
    [(-59.0, "Guarding"), (-5.0, "Guarding"), (-61.0, "RollingBack"), (-0.5, "RollingBack")],
)
def test_an_alert_that_began_in_maintenance_blames_nobody(began: float, phase: str) -> None:
    ended = closed("Ended", since=-16.0, begins=-60.0, until=-16.0)
    alert = Alert("a1", "SparkErrors", NOW + began, release=name(2))
    world = under_guard(judged(0.0))
    before = guarded(maintenance=ended)
    given = resource(2, before)
    first = decide(given, with_alert(world, alert), NOW)
    assert first.status.phase == phase
    if phase == "Guarding":
        assert first.status.alerts[0].outcome == "Noted"
        after = first.status.model_copy(update={"maintenance": None})
        assert decide(resource(2, after), world, NOW).status.phase == "Guarding"


def with_alert(world: Observations, alert: Alert) -> Observations:
    return replace(world, alerts=(alert,))


FREEZE = {"freeze": [{**window(-60, 60), "reason": "holidays"}]}


def test_a_new_release_waits_for_the_freeze_to_end_and_is_told_once() -> None:
    first = decided(2, status("Pending"), SEEN, **FREEZE)
    assert first.status.phase == "Pending"
    assert first.status.candidate is None
    assert told(first) == ["Frozen"]
    assert first.next_due == NOW + 60
    assert condition(first, "Reconciling") == ("True", "Frozen")
    assert condition(first, "Ready") == ("False", "Frozen")
    message = next(c.message for c in first.status.conditions if c.type == "Reconciling")
    assert "holidays" in message
    assert IMAGES[2] in message
    assert told(decided(2, first.status, SEEN, **FREEZE)) == []
    other = decided(3, first.status, SEEN, **FREEZE)
    assert told(other) == ["SpecChanged", "Frozen"], "another release that waits is told as well"


def test_it_starts_when_the_freeze_is_over() -> None:
    waiting = decided(2, status("Pending"), SEEN, **FREEZE).status
    after = decided(2, waiting, SEEN, freeze=[window(-60, 0)])
    assert after.status.phase == "Progressing"


def test_overlapping_freezes_last_until_the_last_ends() -> None:
    spec = {"freeze": [window(-60, 60), window(-10, 600), window(-900, -600)]}
    assert decided(2, status("Pending"), SEEN, **spec).next_due == NOW + 600


def promoted(version: int) -> HistoryEntry:
    ended = to_time(NOW) - timedelta(days=1)
    return HistoryEntry(
        release=name(version),
        image=IMAGES[version],
        outcome="Promoted",
        started_at=ended,
        ended_at=ended,
        reason="Passed",
    )


@pytest.mark.parametrize(
    ("version", "before", "phase"),
    [
        (1, status("Pending", stable=None, candidate=None), "Pending"),
        (1, status("Pending"), "Stable"),
        (2, status("Pending", history=(promoted(2),)), "Promoting"),
        (
            1,
            status("Pending", override=Override(release=name(2), instead_of=name(1))),
            "Progressing",
        ),
        (2, at(1, 25), "Progressing"),
    ],
    ids=["first", "back-to-stable", "was-stable", "asked-for-by-name", "on-trial"],
)
def test_a_freeze_lets_the_first_one_and_every_way_back_go_on(
    version: int, before: SparkDeploymentStatus, phase: str
) -> None:
    decision = decided(version, before, seen(ONE, TWO), **FREEZE)
    assert decision.status.phase == phase
    assert "Frozen" not in told(decision)


def test_a_failing_release_is_rolled_back_in_a_freeze() -> None:
    decision = decided(2, at(1, 25), shared(judged(0.5)), **FREEZE)
    assert decision.status.phase == "RollingBack"


def test_a_guard_goes_on_while_a_further_release_waits() -> None:
    decision = decided(3, guarded(), under_guard(), **FREEZE)
    assert decision.status.phase == "Guarding"
    assert decision.status.previous is not None
    assert decision.status.previous.release == role(1).release
    assert told(decision) == ["Frozen"]
    assert condition(decision, "Reconciling") == ("True", "Frozen")
