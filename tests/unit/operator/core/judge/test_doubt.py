"""A clock that was ahead for a while blinds nobody afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spark_operator.core import judge
from spark_operator.core.judge import JudgeState, Sensitivity, Tick, VerdictKind
from tests.unit.operator.core.judge.trial import T0, Pod

AHEAD = [60.0, 600.0, 3600.0]
PLANS = [judge.plan_for(sensitivity) for sensitivity in Sensitivity]


def _until_fail(plan: judge.JudgePlan, ahead: float, *, restart: bool = False) -> float:
    """Seconds of a release that fails half of its requests, after a minute of health.

    In the last five of them the clock is ``ahead``.
    """
    mine, theirs = Pod("c0"), Pod("s0")
    state = judge.at_step(plan, judge.start(plan, T0), T0)
    for second in range(1, 600):
        bad = second > 60
        for _ in range(4):
            mine.add(1.0, failures_app=0.5 * bad)
            theirs.add(1.0)
        at = T0 + second + ahead * (55 < second <= 60)
        state = judge.observe(plan, state, Tick(at, (mine.sample(at),), (theirs.sample(at),)))
        if restart and second == 60:
            state = judge.decode(plan, judge.encode(state))
        if judge.verdict(plan, state, at).kind is VerdictKind.FAIL:
            return second - 60.0
    return 600.0


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.sensitivity)
@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("restart", [False, True])
def test_a_bad_release_is_out_as_fast_as_if_no_clock_had_been_wrong(
    plan: judge.JudgePlan, ahead: float, restart: bool
) -> None:
    assert _until_fail(plan, ahead, restart=restart) <= _until_fail(plan, 0.0) + 5


@pytest.mark.parametrize("ahead", AHEAD)
def test_no_time_of_a_doubted_state_lies_ahead(ahead: float) -> None:
    plan, late = PLANS[1], T0 + ahead
    state = judge.start(plan, T0)
    for second in range(1, 12):
        at = late + second
        pod = Pod("p", values=replace(Pod("p").values, breakers=(("claude", "open"),)))
        tick = Tick(at, (pod.sample(at),), (pod.sample(at),))
        state = judge.observe(plan, state, tick)
    doubted = judge.not_later(judge.at_step(plan, state, late), T0)
    assert max(_times(doubted)) <= T0


def _times(value: object) -> list[float]:
    """Every number that looks like a time of these tests, wherever it stands."""
    if isinstance(value, float):
        return [value] if T0 / 2 < value < float("inf") else [0.0]
    if isinstance(value, tuple):
        return [time for item in value for time in _times(item)] or [0.0]
    if isinstance(value, dict):
        return _times(tuple(value.values()))
    slots = getattr(type(value), "__slots__", ())
    return _times(tuple(getattr(value, name) for name in slots)) if slots else [0.0]


def test_a_state_that_is_not_ahead_is_left_as_it_is() -> None:
    state: JudgeState = judge.start(PLANS[0], T0)
    assert judge.not_later(state, T0) is state
    assert judge.not_later(state, T0 - 4) is state
