"""A reading counts for when it was made, not for when it arrived."""

from __future__ import annotations

from spark_operator.core import judge

PLAN = judge.plan_for(judge.Sensitivity.FAST)
BEGAN = 1_000.0


def verdict_with_readings(late: float) -> judge.Verdict:
    state = judge.start(PLAN, BEGAN)
    now = BEGAN
    for second in range(1, 61):
        now = BEGAN + second
        values = judge.Counters(requests=20.0 * second, failures_app=0.0, failures_provider=0.0)
        pod = judge.PodSample("a", now - late, values, ready=True, restarts=0, started_at=1.0)
        state = judge.observe(PLAN, state, judge.Tick(now, (pod,), ()))
    return judge.verdict(PLAN, state, now)


def test_fresh_readings_are_data() -> None:
    assert verdict_with_readings(late=1.0).kind is not judge.VerdictKind.NO_DATA


def test_readings_that_arrive_too_late_are_none() -> None:
    assert verdict_with_readings(late=15.0).kind is judge.VerdictKind.NO_DATA
