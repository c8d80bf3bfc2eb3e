"""From a pod's metrics page to the judge's counters: the metric contract, by name.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from prometheus_client.samples import Sample

from spark_operator.adapters.metrics import sample_lines
from spark_operator.core.judge import Counters
from spark_operator.core.observe.vitals import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator


REQUESTS: Final = ("api_generate_total", "api_export_total")
LATENCY: Final = "spark_generation_duration_seconds_bucket"
CACHE: Final = "spark_cache_requests_total"
BREAKER: Final = "spark_circuit_breaker_state"
CALLS: Final = "spark_generation_total"
INFLIGHT: Final = "spark_inflight_requests"
NAMES: Final = (*REQUESTS, LATENCY, CACHE, BREAKER, CALLS, INFLIGHT)
VITALS: Final = (
    *REQUESTS,
    LATENCY,
    CACHE,
    BREAKER,
    "spark_rate_limited_recent",
    "spark_rate_limited_total",
    "spark_provider_duration_seconds_sum",
    "spark_provider_duration_seconds_count",
    "spark_provider_failures_total",
    "spark_provider_quota_remaining",
    "spark_provider_quota_limit",
    "spark_provider_key_present",
    "spark_provider_keys_accepted",
    "spark_provider_connections",
    "spark_database_pool",
    "spark_cpu_throttled_periods_total",
    "spark_cpu_periods_total",
    "spark_memory_working_set_bytes",
    "spark_memory_limit_bytes",
)
"""What a diagnosis is made from."""
MAX_LINES: Final = 20_000
"""Lines of one page, whatever they hold."""
MAX_LINE: Final = 8_192
"""Characters of a line that is read."""
MAX_SAMPLES: Final = 2_000
MAX_VITALS: Final = 500
MAX_LABEL: Final = 64
MAX_REMEMBERED: Final = 256
"""Characters of a series that is remembered."""
MAX_VALUE: Final = 1e15


class ExpositionError(Exception):
    """A pod's metrics page is not in Prometheus' text format, or has far too many series."""


def counters(page: bytes) -> Counters:
    """Read the metrics that the judge counts; all others are skipped before they are parsed.

    Raises:
        ExpositionError: the page cannot be read, whatever is wrong with it.
    """
    try:
        return counters_of(list(_samples(page, NAMES, MAX_SAMPLES)))
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        raise ExpositionError(f"the metrics page cannot be read: {error}") from error


def vitals(page: bytes) -> tuple[Measure, ...]:
    """Read what a diagnosis is made from: values up to ``MAX_VALUE``, labels fit to be shown.

    Raises:
        ExpositionError: the page cannot be read, whatever is wrong with it.
    """
    try:
        return tuple(
            Measure(
                item.name,
                {key: _shown(value) for key, value in item.labels.items()},
                float(item.value),
            )
            for item in _samples(page, VITALS, MAX_VITALS)
            if item.name in VITALS and 0 <= item.value <= MAX_VALUE
        )
    except (ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        raise ExpositionError(f"the metrics page cannot be read: {error}") from error


def _shown(label: str) -> str:
    return "".join(c if c.isalnum() or c in "+-._:@/" else "?" for c in label[:MAX_LABEL])


def counters_of(samples: list[Sample]) -> Counters:
    """Count the samples of one pod; those that are none of the contract's are left out."""
    requests = [item for item in samples if item.name in REQUESTS and _counts(item)]
    failures = [item for item in requests if item.labels.get("status_class") == "5xx"]
    return Counters(
        requests=_total(requests),
        failures_app=_total(
            [s for s in failures if s.labels.get("origin") != "provider"], requests
        ),
        failures_provider=_total(
            [s for s in failures if s.labels.get("origin") == "provider"], requests
        ),
        client_errors=_total(
            [s for s in requests if s.labels.get("status_class") == "4xx"], requests
        ),
        latency_buckets=_buckets(samples),
        cache_hits=_cache(samples, "hit"),
        cache_misses=_cache(samples, "miss"),
        breakers=_breakers(samples),
        calls=_calls(samples),
        inflight=_total([item for item in samples if item.name == INFLIGHT]),
    )


def _samples(page: bytes, names: tuple[str, ...], most: int) -> Iterator[Sample]:
    if page.count(b"\n") > MAX_LINES:
        raise ExpositionError(f"more than {MAX_LINES} lines: none is read")
    lines = [line for line in page.decode().split("\n") if line.startswith(names)]
    if len(lines) > most:
        msg = f"{len(lines)} series of the contract's metrics: at most {most} are read"
        raise ExpositionError(msg)
    for line in lines:
        if len(line) > MAX_LINE:
            raise ExpositionError(f"a line of {len(line)} characters: at most {MAX_LINE} are read")
        series, _, value = line.rpartition(" ")
        if _is_plain(series):
            yield Sample(*_series(series), _value(value))
        else:
            yield sample_lines.parse(line)


def _is_plain(series: str) -> bool:
    """Whether a line's part before its last space is a series, so that the rest is its value."""
    if len(series) > MAX_REMEMBERED:
        return False
    return series.endswith("}") or not set(series) & {"{", "}", " ", "\t"}


@lru_cache(maxsize=4096)
def _series(text: str) -> tuple[str, dict[str, str]]:
    """Return name and labels; pages of one service repeat them, and parsing them costs the most."""
    sample = sample_lines.parse(f"{text} 0")
    return sample.name, sample.labels


def _value(text: str) -> float:
    if "_" in text:
        msg = f"not a number: {text[:20]!r}"
        raise ValueError(msg)
    return float(text)


def _counts(sample: Sample) -> bool:
    # 5xx that nobody is to blame for are refusals on purpose, by maintenance: not even requests.
    closed = (sample.labels.get("status_class"), sample.labels.get("origin")) == ("5xx", "none")
    return sample.labels.get("attempt", "first") == "first" and not closed


def _total(samples: list[Sample], present: list[Sample] | None = None) -> float | None:
    """Return the sum, or None where the series (or those that prove their presence) are absent."""
    if not samples and not present:
        return None
    return math.fsum(item.value for item in samples)


def _buckets(samples: list[Sample]) -> tuple[tuple[float, float], ...] | None:
    found: dict[float, float] = {}
    for item in samples:
        if item.name == LATENCY:
            bound = float(item.labels.get("le", "nan"))
            found[bound] = found.get(bound, 0.0) + item.value
    return tuple(sorted(found.items())) or None


def _cache(samples: list[Sample], result: str) -> float | None:
    return _total([s for s in samples if s.name == CACHE and s.labels.get("result") == result])


def _breakers(samples: list[Sample]) -> tuple[tuple[str, str], ...] | None:
    states = [
        (item.labels.get("provider", ""), item.labels.get("state", ""))
        for item in samples
        if item.name == BREAKER and item.value == 1
    ]
    return tuple(sorted(states)) or None


def _calls(samples: list[Sample]) -> tuple[tuple[str, float], ...] | None:
    found: dict[str, float] = {}
    for item in samples:
        if item.name == CALLS:
            provider = item.labels.get("provider", "")
            found[provider] = found.get(provider, 0.0) + item.value
    return tuple(sorted(found.items())) or None
