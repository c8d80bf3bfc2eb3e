"""Prometheus' answers, good, odd and hostile."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_operator.adapters.metrics.vectors import (
    Measured,
    PrometheusAnswerError,
    readings,
    single,
    vector,
)

NOW = 1_795_505_400.0
PODS = {"spark-a": "uid-a", "spark-b": "uid-b"}


def body(*items: tuple[dict[str, str], Any], kind: str = "vector", **more: Any) -> bytes:
    result = [{"metric": labels, "value": [NOW, value]} for labels, value in items]
    data = {"resultType": kind, "result": result}
    return json.dumps({"status": "success", "data": data, **more}).encode()


def of_pod(
    name: str, at: float = NOW - 2, *, errors: str = "3"
) -> list[tuple[dict[str, str], str]]:
    made = {"__name__": "api_generate_total", "pod": name, "attempt": "first"}
    return [
        ({**made, "status_class": "2xx", "origin": "none"}, "97"),
        ({**made, "status_class": "5xx", "origin": "app"}, errors),
        ({"pod": name, "result": "scraped_at"}, str(at)),
    ]


def test_a_pod_is_read_with_the_time_of_its_scrape() -> None:
    found = readings(vector(body(*of_pod("spark-a"))), "pod", PODS, NOW)
    assert found["uid-a"].at == NOW - 2
    counted = found["uid-a"].counters
    assert counted is not None
    assert (counted.requests, counted.failures_app, counted.failures_provider) == (100.0, 3.0, 0.0)
    assert found["uid-b"].counters is None


@pytest.mark.parametrize("number", ["NaN", "+Inf", "-Inf", "-1", "many", 3])
def test_a_number_that_is_none_makes_the_pod_unread_and_no_other(number: Any) -> None:
    text = body(*of_pod("spark-a", errors=number), *of_pod("spark-b"))
    try:
        found = readings(vector(text), "pod", PODS, NOW)
    except PrometheusAnswerError:
        assert number == "many"
        return
    assert found["uid-a"].counters is None
    assert found["uid-b"].counters is not None


@pytest.mark.parametrize("at", [0.0, -5.0, NOW + 11, math.nan, math.inf])
def test_a_time_that_cannot_be_makes_the_pod_unread(at: float) -> None:
    found = readings(vector(body(*of_pod("spark-a", at))), "pod", PODS, NOW)
    assert found["uid-a"].counters is None


def test_two_times_of_one_pod_are_none() -> None:
    found = vector(body(*of_pod("spark-a"), *of_pod("spark-a", NOW - 9)[2:]))
    assert readings(found, "pod", PODS, NOW)["uid-a"].counters is None


def test_pods_that_were_not_asked_for_are_not_looked_at() -> None:
    found = readings(vector(body(*of_pod("foreign"))), "pod", PODS, NOW)
    assert set(found) == {"uid-a", "uid-b"}
    assert all(reading.counters is None for reading in found.values())


def test_far_too_many_series_of_a_pod_are_none() -> None:
    flood = [({"__name__": "x", "pod": "spark-a", "n": str(n)}, "1") for n in range(2001)]
    found = readings(vector(body(*of_pod("spark-a"), *flood)), "pod", PODS, NOW)
    assert found["uid-a"].counters is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"status":"success"}',
        b'{"status":"error","error":"query timed out"}',
        body(kind="matrix"),
        body(*of_pod("spark-a"), warnings=["store gateway is away"]),
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":1,"value":[1,"1"]}]}}',
        b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1]}]}}',
    ],
    ids=lambda text: text[:30].decode(),
)
def test_what_is_no_answer_is_refused(text: bytes) -> None:
    with pytest.raises(PrometheusAnswerError):
        vector(text)


@given(st.binary(max_size=200))
def test_nothing_but_an_answer_error_comes_out(text: bytes) -> None:
    with pytest.raises(PrometheusAnswerError):
        vector(text)


@given(st.lists(st.tuples(st.dictionaries(st.text(max_size=8), st.text(max_size=8)), st.floats())))
def test_readings_hold_only_finite_numbers(items: list[tuple[dict[str, str], float]]) -> None:
    given_vector = tuple(Measured({**labels, "pod": "spark-a"}, value) for labels, value in items)
    found = readings(given_vector, "pod", PODS, NOW)
    assert all(math.isfinite(reading.at) for reading in found.values())


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (None, None),
        ((), None),
        ((Measured({}, 2.5),), 2.5),
        ((Measured({}, math.nan),), None),
        ((Measured({}, math.inf),), None),
        ((Measured({}, 1.0), Measured({"a": "b"}, 1.0)), None),
    ],
)
def test_a_query_gives_one_finite_value_or_none(found: Any, value: float | None) -> None:
    assert single(found) == value


def test_a_scalar_is_a_value() -> None:
    text = b'{"status":"success","data":{"resultType":"scalar","result":[1.5,"42"]}}'
    assert single(vector(text)) == 42.0
