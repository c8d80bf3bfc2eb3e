"""The metric contract as the judge's counters, and pages that nobody should trust."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from spark_operator.adapters.metrics.exposition import (
    MAX_SAMPLES,
    NAMES,
    ExpositionError,
    _samples,
    counters,
)
from spark_operator.core.judge import Counters

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

PAGE = """\
# HELP api_generate_total Generate calls.
# TYPE api_generate_total counter
api_generate_total{status_class="2xx",origin="none",attempt="first"} 90
api_generate_total{status_class="4xx",origin="client",attempt="first"} 4
api_generate_total{status_class="5xx",origin="app",attempt="first"} 3
api_generate_total{status_class="5xx",origin="provider",attempt="first"} 2
api_generate_total{status_class="5xx",origin="app",attempt="retry"} 50
api_generate_total{status_class="5xx",origin="none",attempt="first"} 500
# TYPE api_export_total counter
api_export_total{status_class="2xx",origin="none",attempt="first"} 10
api_export_total{status_class="5xx",origin="app",attempt="first"} 1
# TYPE spark_generation_duration_seconds histogram
spark_generation_duration_seconds_bucket{provider="claude",le="10"} 80
spark_generation_duration_seconds_bucket{provider="claude",le="+Inf"} 85
spark_generation_duration_seconds_bucket{provider="openai",le="10"} 5
spark_generation_duration_seconds_bucket{provider="openai",le="+Inf"} 5
spark_cache_requests_total{result="hit"} 30
spark_cache_requests_total{result="miss"} 60
spark_circuit_breaker_state{provider="claude",state="closed"} 0
spark_circuit_breaker_state{provider="claude",state="open"} 1
spark_circuit_breaker_state{provider="openai",state="closed"} 1
spark_generation_total{provider="claude",outcome="success"} 60
spark_generation_total{provider="claude",outcome="error"} 5
spark_generation_total{provider="openai",outcome="success"} 20
spark_inflight_requests 7
python_gc_objects_collected_total{generation="0"} 123
"""


def test_the_contract() -> None:
    assert counters(PAGE.encode()) == Counters(
        requests=110.0,
        failures_app=4.0,
        failures_provider=2.0,
        client_errors=4.0,
        latency_buckets=((10.0, 85.0), (math.inf, 90.0)),
        cache_hits=30.0,
        cache_misses=60.0,
        breakers=(("claude", "open"), ("openai", "closed")),
        calls=(("claude", 65.0), ("openai", 20.0)),
        inflight=7.0,
    )


def test_what_is_not_exposed_is_no_zero() -> None:
    assert counters(b"other_metric 1\n") == Counters()


def test_no_failure_beside_requests_is_a_zero() -> None:
    found = counters(b'api_export_total{status_class="2xx"} 5\n')
    assert (found.requests, found.failures_app, found.client_errors) == (5.0, 0.0, 0.0)


def test_windows_line_ends() -> None:
    assert counters(b"spark_inflight_requests 7\r\n").inflight == 7.0


@pytest.mark.parametrize(
    "page",
    [
        b"api_generate_total{",
        b"api_generate_total nonsense",
        b'api_generate_total{a="1"} +Inf\napi_generate_total{a="2"} -Inf',
        b'api_generate_total{a="1"} 1e308\napi_generate_total{a="2"} 1e308',
        b'spark_generation_duration_seconds_bucket{le="soon"} 1',
        b"spark_inflight_requests \xff",
        b"spark_inflight_requests 1\n" * (MAX_SAMPLES + 1),
    ],
    ids=["cut", "no number", "infinities", "overflow", "no bound", "no text", "too many"],
)
def test_a_page_that_cannot_be_read_says_so(page: bytes) -> None:
    with pytest.raises(ExpositionError):
        counters(page)


LINE = st.tuples(
    st.sampled_from(NAMES), st.text(alphabet='{}",=\\ 0123456789eEinfNa+-le#\t\0é', max_size=30)
)


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(LINE, max_size=4))
def test_no_page_raises_anything_else(lines: list[tuple[str, str]]) -> None:
    page = "\n".join(name + rest for name, rest in lines).encode()
    try:
        found = counters(page)
    except ExpositionError:
        return
    assert isinstance(found, Counters)


LINES = st.one_of(
    st.sampled_from(PAGE.splitlines()),
    st.builds(
        "{}{} {}{}".format,
        st.sampled_from(NAMES),
        st.one_of(
            st.just(""), st.from_regex(r"\{[a-z]{1,3}=\"[a-z }{,=]{0,5}\"\}", fullmatch=True)
        ),
        st.one_of(st.floats().map(str), st.sampled_from(["1_0", "+Inf", "NaN", "x", "", "0x1"])),
        st.sampled_from(["", " ", " 1700000000000"]),
    ),
    st.builds("{}{}".format, st.sampled_from(NAMES), st.text(max_size=20)),
)


def _plain(sample: Sample) -> str:
    return repr((sample.name, sample.labels, float(sample.value)))


def told(page: str) -> object:
    try:
        return [_plain(sample) for sample in _samples(page.encode(), NAMES, MAX_SAMPLES)]
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError):
        return None


@given(st.lists(LINES.filter(lambda line: "\n" not in line), max_size=6))
@settings(deadline=None)
def test_what_is_remembered_of_series_changes_nothing(lines: list[str]) -> None:
    """Line by line it reads what the library reads of the same line."""
    for line in lines:
        if not line.startswith(NAMES):
            continue
        try:
            families = text_string_to_metric_families(line + "\n")
            wanted: object = [_plain(sample) for family in families for sample in family.samples]
        except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError):
            wanted = None
        assert told(line) == wanted, line
