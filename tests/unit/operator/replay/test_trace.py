"""A trace's lines: in any order, with gaps, and refused with the line and what to change."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from spark_operator.replay import TraceError, TraceReading, frames

GOOD = '{"t": 0, "release": "stable", "pod": "p"}'


def _line(t: float, pod: str | None = "p", role: str = "stable", **counters: Any) -> str:
    named = {} if pod is None else {"pod": pod}
    return json.dumps({"t": t, "release": role, **named, **counters})


def _readings(*lines: str) -> list[TraceReading]:
    return [reading for frame in frames(lines) for reading in frame.readings]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[" * 60_000, "that deep"),
        ('{"t": 1' + "0" * 5000 + "}", "that long"),
        (" " * 70_000 + "{}", "at most 65536"),
        ("[1]", "not an object"),
        ('{"t": 1, "release": "canary", "pod": "p"}', "stable"),
        ('{"t": 1, "release": "stable", "pod": 7}', "as a string"),
        ('{"t": 1e12, "release": "stable", "pod": "p"}', "give seconds"),
        ('{"t": NaN, "release": "stable", "pod": "p"}', "give seconds"),
        ('{"t": "1", "release": "stable", "pod": "p"}', 't is "1": write a number'),
        ('{"t": 1, "release": "stable", "pod": "p", "requests": "many"}', "write a number"),
        ('{"t": 1, "release": "stable", "pod": "p", "errors": true}', "write a number"),
        ('{"latency_buckets": {"ten": 1}}', "the bound"),
        ('{"latency_buckets": {"NaN": 1}}', "the bound"),
        ('{"latency_buckets": {"10": "x"}}', "latency_buckets: 10 is"),
        ('{"latency_buckets": [1]}', "write an object"),
        ('{"breakers": {"claude": "OPEN"}}', "closed, open or half-open"),
    ],
)
def test_a_line_out_of_form_is_named(line: str, said: str) -> None:
    with pytest.raises(TraceError, match=f"^line 2: .*{said}"):
        list(frames([GOOD, line]))


@pytest.mark.parametrize("lines", [[], ["", "  \n"], ["{}"], ['{"t": 1}', '{"release": "stable"}']])
def test_a_trace_without_a_reading_is_refused(lines: list[str]) -> None:
    with pytest.raises(TraceError, match="no reading"):
        list(frames(lines))


def test_a_trace_of_years_is_refused_before_it_is_run() -> None:
    with pytest.raises(TraceError, match="31 days"):
        next(frames([_line(0), _line(1e8)]))


def test_more_pods_than_there_may_be_are_refused() -> None:
    with pytest.raises(TraceError, match="1001 pods"):
        list(frames(_line(0, f"p{pod}") for pod in range(1001)))


def test_lines_come_in_the_order_of_time_and_gaps_as_empty_seconds() -> None:
    found = list(frames([_line(1003.2), _line(1000.2, "b"), _line(1000.2, "a"), _line(1000.9)]))
    assert [frame.at for frame in found] == [1000.2, 1001.2, 1002.2, 1003.2]
    assert [[it.pod for it in frame.readings] for frame in found] == [["b", "a"], ["p"], [], ["p"]]


def test_a_unix_time_with_a_fraction_makes_no_further_seconds() -> None:
    start = 1_764_000_000.123
    found = list(frames(_line(start + second) for second in range(100)))
    assert [len(frame.readings) for frame in found] == [1] * 100


def test_what_a_line_lacks_is_no_data() -> None:
    (only,) = _readings(_line(0, requests=None, errors=5, latency_buckets={"10": None, "1": 2}))
    counters = only.counters
    assert (counters.requests, counters.failures_app, counters.breakers) == (None, 5.0, None)
    assert counters.latency_buckets == ((1.0, 2.0),)


def test_a_number_beyond_all_bounds_is_taken_for_infinite() -> None:
    (only,) = _readings(_line(0, requests=10**400))
    assert only.counters.requests == math.inf


def test_lines_without_t_or_release_feed_nothing() -> None:
    lacking = ['{"release": "stable", "pod": "p"}', '{"t": 1, "pod": "p"}']
    assert [it.pod for it in _readings(GOOD, *lacking)] == ["p"]


def test_a_release_that_names_no_pod_has_one() -> None:
    found = _readings(_line(0, None), _line(0, "p", "candidate"), _line(1, None, "candidate"))
    assert [(it.role, it.pod) for it in found] == [("stable", ""), ("candidate", "p")]
