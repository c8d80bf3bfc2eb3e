"""Counters become increases, whatever the scrape looks like."""

from __future__ import annotations

from math import inf, isfinite, nan

import pytest

from spark_operator.core.judge import Counters, PodSample, Sensitivity, plan_for
from spark_operator.core.judge.readings.deltas import CLIENT, ERRORS, Delta, Track, advance

PLAN = plan_for(Sensitivity.FAST)


def _sample(at: float, requests: float | None, failed: float = 0.0, born: float = 0.0) -> PodSample:
    values = Counters(requests=requests, failures_app=failed)
    return PodSample("p", at, values, ready=True, restarts=0, started_at=born)


def _after(*samples: PodSample, count_from: float = 50.0) -> list[Delta | None]:
    track: Track | None = None
    found = []
    for sample in samples:
        track, delta = advance(PLAN, track, sample, count_from)
        found.append(delta)
    return found


def _counts(delta: Delta | None) -> tuple[float, ...] | None:
    return delta.vector[ERRORS] if delta else None


def test_a_pod_from_before_only_gives_its_base_line_at_first() -> None:
    first, second = _after(_sample(100, 500, 5), _sample(101, 510, 7))
    assert first is None
    assert _counts(second) == (10, 2, 0)


def test_a_pod_of_this_trial_counts_from_zero() -> None:
    (first,) = _after(_sample(100, 5, 1, born=90))
    assert _counts(first) == (5, 1, 0)
    assert first is not None
    assert first.since == 90
    assert first.age == 10


def test_a_fallen_counter_counts_from_zero() -> None:
    _, _, third = _after(_sample(100, 500, 5), _sample(101, 510, 5), _sample(102, 4, 1))
    assert _counts(third) == (4, 1, 0)


def test_a_restart_since_the_last_reading_counts_from_zero_even_if_nothing_fell() -> None:
    _, second = _after(_sample(100, 5), _sample(130, 9, 2, born=110))
    assert _counts(second) == (9, 2, 0)


def test_a_restart_that_the_api_reports_late_is_not_counted_twice() -> None:
    reset = _sample(101, 3, 0, born=0)
    later = _sample(102, 5, 0, born=100.5)
    _, second, third = _after(_sample(100, 50), reset, later)
    assert _counts(second) == (3, 0, 0)
    assert _counts(third) == (2, 0, 0)


@pytest.mark.parametrize(
    "again", [_sample(100, 900), _sample(99, 900), PodSample("p", 101, None, True, 0, 0.0)]
)
def test_duplicates_older_readings_and_missed_scrapes_add_nothing(again: PodSample) -> None:
    _, second, third = _after(_sample(100, 500), again, _sample(102, 510))
    assert second is None
    assert _counts(third) == (10, 0, 0)


@pytest.mark.parametrize("bad", [nan, inf, -inf, -1.0, 1e300, None])
def test_garbage_is_no_data_and_loses_nothing(bad: float | None) -> None:
    _, second, third = _after(_sample(100, 500, 1), _sample(101, bad, 1), _sample(102, 510, 3))
    assert second is None or not second.known
    assert _counts(third) == (10, 2, 0)


def test_an_impossible_jump_is_ignored() -> None:
    _, second, third = _after(_sample(100, 500), _sample(101, 1e9), _sample(102, 510))
    assert second is None
    assert _counts(third) == (10, 0, 0)


def test_client_errors_are_no_requests_to_judge_but_are_counted() -> None:
    values = Counters(requests=10, failures_app=1, client_errors=4)
    _, delta = advance(PLAN, None, PodSample("p", 100, values, True, 0, 90), 50)
    assert delta is not None
    assert delta.vector[ERRORS] == (6, 1, 0)
    assert delta.vector[CLIENT] == (10, 4)


def test_no_part_is_larger_than_its_total() -> None:
    values = Counters(requests=3, failures_app=2, failures_provider=5, cache_hits=1, cache_misses=0)
    _, delta = advance(PLAN, None, PodSample("p", 100, values, True, 0, 90), 50)
    assert delta is not None
    assert delta.vector[ERRORS] == (3, 2, 1)
    assert all(isfinite(value) for value in delta.vector)


def test_a_latency_bound_counts_from_the_next_boundary_above_it() -> None:
    values = Counters(requests=10, failures_app=0, latency_buckets=((5.0, 4.0), (inf, 10.0)))
    _, delta = advance(PLAN, None, PodSample("p", 100, values, True, 0, 90), 50)
    assert delta is not None
    over_10, *others = (delta.vector[i : i + 2] for i in (5, 7, 9, 11))
    assert others == [(10, 6)] * 3
    assert over_10 == (0, 0)
