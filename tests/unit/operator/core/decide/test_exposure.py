"""What a total failure would cost is foreseen by rehearsing the real judge."""

from __future__ import annotations

import pytest

from spark_operator.core.decide.exposure import MOST_SECONDS, worst_case
from spark_operator.core.judge import Counters, PodSample, Sensitivity, Tick, plan_for
from spark_operator.core.observe.request_rate import request_rate


def _tick(at: float, **requests: float | None) -> Tick:
    pods = tuple(
        PodSample(name, at, Counters(requests=count), ready=True, restarts=0, started_at=0.0)
        for name, count in requests.items()
    )
    return Tick(at, candidate=(), stable=pods)


def test_the_rate_is_that_of_the_pods_seen_twice() -> None:
    before, after = _tick(10.0, a=100.0, b=50.0), _tick(12.0, a=120.0, b=60.0, new=7.0)
    assert request_rate(before, after) == pytest.approx(15.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, _tick(1.0, a=1.0)),
        (_tick(1.0, a=1.0), _tick(1.0, a=2.0)),
        (_tick(1.0, a=None), _tick(2.0, a=2.0)),
        (_tick(1.0, a=1.0), _tick(2.0, b=2.0)),
    ],
)
def test_what_does_not_tell_a_rate_is_none(before: Tick | None, after: Tick) -> None:
    assert request_rate(before, after) is None


def test_more_traffic_on_the_candidate_shortens_the_worst_case() -> None:
    plan = plan_for(Sensitivity.FAST)
    quick, slow = worst_case(plan, 0.5, 20.0), worst_case(plan, 0.05, 20.0)
    assert quick < slow < MOST_SECONDS


def test_without_traffic_the_worst_case_is_the_longest_time_rehearsed() -> None:
    assert worst_case(plan_for(Sensitivity.BALANCED), 0.1, 0.0) == MOST_SECONDS
