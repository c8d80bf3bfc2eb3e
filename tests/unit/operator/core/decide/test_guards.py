"""When a trial is held although something is wrong: no clock runs out, no outage is made worse."""

from __future__ import annotations

from spark_operator.core.decide.decide import decide
from tests.unit.operator.core.builders import NOW, judged, resource, seen, status, workload

LONG_AGO = NOW - 3_600


def test_a_failure_that_stable_shares_stops_the_steps_clock() -> None:
    before = status("Progressing", candidate=2, weight=25, step=1, entered=LONG_AGO)
    world = seen(workload(1, 4), workload(2, 1), route="shared", judge=judged(0.5, 0.5))
    after = decide(resource(2, before), world, NOW).status
    assert after.phase == "Progressing"
    assert after.step is not None
    assert after.step.entered_at.timestamp() == NOW


def test_a_failure_that_stable_shares_counts_against_no_later_pass() -> None:
    before = status("Progressing", candidate=2, weight=25, step=1)
    known = judged(0.5, 0.5)
    assert known.step.n > 0
    world = seen(workload(1, 4), workload(2, 1), route="shared", judge=known)
    after = decide(resource(2, before), world, NOW).judge
    assert after is not None
    assert (after.step.n, after.step.at) == (0, NOW)
    assert after.rows == known.rows


def test_a_failure_that_a_person_must_answer_stops_the_steps_clock() -> None:
    before = status("Progressing", candidate=2, weight=25, step=1, entered=LONG_AGO)
    world = seen(workload(1, 4), workload(2, 1), route="shared", judge=judged(0.5))
    asked = resource(2, before, rollback={"automatic": False})
    after = decide(asked, world, NOW).status
    assert after.phase == "Progressing"
    assert {c.type: c.status for c in after.conditions}["Degraded"] == "True"


def test_users_are_not_sent_from_a_failing_release_to_one_without_pods() -> None:
    before = status("Guarding", stable=2, previous=1)
    world = seen(workload(2, 4), workload(1, 4, ready=False), route=2, judge=judged(0.5))
    after = decide(resource(2, before), world, NOW).status
    assert after.phase == "Guarding"
    degraded = next(c for c in after.conditions if c.type == "Degraded")
    assert degraded.status == "True"
    assert "no ready pod" in degraded.message


def test_they_are_as_soon_as_it_has_one() -> None:
    before = status("Guarding", stable=2, previous=1)
    world = seen(workload(2, 4), workload(1, 1), route=2, judge=judged(0.5))
    after = decide(resource(2, before), world, NOW).status
    assert after.phase == "RollingBack"
