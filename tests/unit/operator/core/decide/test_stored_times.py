"""Times in status that a wrong clock wrote are taken for now: no deadline waits for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spark_operator.api.fields import to_time
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.stored_times import not_later
from tests.unit.operator.core.builders import NOW, name, resource, status
from tests.unit.operator.core.decide.cases import SILENT, at, guarded, shared, under_guard

AHEAD = [60.0, 600.0, 3600.0]


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_deadline_runs_from_now_at_the_latest(ahead: float) -> None:
    before = at(1, 25, entered=NOW + ahead)
    waiting = decide(resource(2, before), shared(SILENT), NOW).status
    assert waiting.step is not None
    assert waiting.step.entered_at == to_time(NOW)
    late = decide(resource(2, waiting), shared(SILENT), NOW + 601).status
    assert late.phase == "RollingBack"


@pytest.mark.parametrize("ahead", AHEAD)
def test_the_judge_is_written_down_again_at_once(ahead: float) -> None:
    before = at(1, 25).model_copy(update={"judge_at": to_time(NOW + ahead)})
    after = decide(resource(2, before), shared(), NOW + 11).status
    assert after.judge_at == to_time(NOW + 11)


def test_a_guard_does_not_last_longer() -> None:
    before = guarded()
    assert before.stable is not None
    ahead = before.stable.model_copy(update={"since": to_time(NOW + 3600)})
    after = decide(
        resource(2, before.model_copy(update={"stable": ahead})), under_guard(), NOW
    ).status
    assert after.stable is not None
    assert (after.stable.release, after.stable.since) == (name(2), to_time(NOW))


def test_conditions_and_jobs_are_doubted_and_records_are_not() -> None:
    future = to_time(NOW + 3600)
    found = decide(resource(2, at(1, 25)), shared(), NOW).status
    conditions = tuple(
        item.model_copy(update={"last_transition_time": future}) for item in found.conditions
    )
    ledger = tuple(item.model_copy(update={"at": future}) for item in found.ledger)
    wrong = found.model_copy(update={"conditions": conditions, "ledger": ledger})
    doubted = not_later(wrong, NOW)
    assert {item.last_transition_time for item in doubted.conditions} == {to_time(NOW)}
    assert doubted.ledger == ledger


def test_what_is_not_ahead_is_left_as_it_is() -> None:
    known = status("Stable")
    assert not_later(known, NOW) is known
    near = at(1, 25, entered=NOW + 4)
    assert not_later(near, NOW) is near
    assert near.step is not None
    assert near.step.entered_at - to_time(NOW) == timedelta(seconds=4)
