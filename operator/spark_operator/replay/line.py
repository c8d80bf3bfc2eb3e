"""The trace's form: JSON lines, each one reading of one pod.

``{"t": seconds, "release": "stable" | "candidate", "pod": name, "requests": n, "errors": n,
"latency_buckets": {"le": cumulative count}, "cache_hits": n, "cache_misses": n,
"breakers": {"claude": "closed" | "open" | "half-open"}}``.  Counters are cumulative for each pod,
from 0.  ``provider_errors`` (those of ``errors`` that a provider is to blame for) and
``client_errors`` may be there too.

A line may lack any field, and a number may be NaN, infinite or negative: that is no data for what
the field feeds.  A line without ``t`` or ``release`` feeds nothing.  One without ``pod`` is of the
release's only pod where no line of that release names one, and feeds nothing elsewhere.  Lines may
be in any order; ``t`` may begin anywhere.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final, Literal

from spark_operator.core.judge import Counters

MAX_LENGTH: Final = 65_536
MAX_T: Final = 1e11
"""Larger ones are no seconds: it is the year 5138 of the Unix epoch."""

Role = Literal["stable", "candidate"]


class TraceError(Exception):
    """A trace cannot be read; the message names the line and what to change."""


@dataclass(frozen=True, slots=True)
class TraceReading:
    """One reading of one pod, ``at`` seconds since the trace's own zero."""

    at: float
    role: Role
    pod: str
    counters: Counters


def parse(line: str) -> TraceReading | None:
    """What a line says; None where it does not say when, or of which release.

    Raises:
        TraceError: the line is not in the trace's form; the message does not name the line.
    """
    if len(line) > MAX_LENGTH:
        raise TraceError(f"a line may have at most {MAX_LENGTH} characters")
    try:
        item = json.loads(line)
    except json.JSONDecodeError as error:
        said = f"{error.msg}, column {error.colno}"
        raise TraceError(f"not JSON, write one object a line ({said}): {_begin(line)}") from error
    except (ValueError, RecursionError) as error:
        raise TraceError(
            f"no number is that long, and nothing that deep: {_begin(line)}"
        ) from error
    if not isinstance(item, dict):
        raise TraceError('not an object: write {"t": 1, "release": "stable", …}')
    at, role, pod = _number(item, "t"), item.get("release"), item.get("pod")
    if role not in ("stable", "candidate", None):
        raise TraceError(f'release is {_cut(role)}: write "stable" or "candidate"')
    if not isinstance(pod, str | None):
        raise TraceError(f"pod is {_cut(pod)}: write its name as a string")
    if at is not None and not abs(at) <= MAX_T:
        raise TraceError(f"t is {at}: give seconds, from {-MAX_T:.0f} to {MAX_T:.0f}")
    counters = _counters(item)
    return None if at is None or role is None else TraceReading(at, role, pod or "", counters)


def _begin(line: str) -> str:
    return line.strip()[:80]


def _counters(item: dict[str, Any]) -> Counters:
    errors, provider = _number(item, "errors"), _number(item, "provider_errors")
    app = None if errors is None else errors - (provider or 0.0)
    return Counters(
        requests=_number(item, "requests"),
        failures_app=app,
        failures_provider=provider if errors is None else provider or 0.0,
        client_errors=_number(item, "client_errors"),
        latency_buckets=_buckets(item),
        cache_hits=_number(item, "cache_hits"),
        cache_misses=_number(item, "cache_misses"),
        breakers=_breakers(item),
    )


def _buckets(item: dict[str, Any]) -> tuple[tuple[float, float], ...] | None:
    buckets = _object(item, "latency_buckets")
    if buckets is None:
        return None
    try:
        counts = {le: _number(buckets, le) for le in buckets}
    except TraceError as error:
        raise TraceError(f"latency_buckets: {error}") from error
    return tuple(sorted((_bound(le), count) for le, count in counts.items() if count is not None))


def _bound(le: str) -> float:
    try:
        bound = float(le)
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise TraceError(
            f'latency_buckets has the bound {_cut(le)}: write seconds, such as "2.5", or "+Inf"'
        )
    return bound


def _breakers(item: dict[str, Any]) -> tuple[tuple[str, str], ...] | None:
    breakers = _object(item, "breakers")
    if breakers is None:
        return None
    for name, state in breakers.items():
        if state not in ("closed", "open", "half-open", None):
            raise TraceError(
                f"the breaker {_cut(name)} is {_cut(state)}: write closed, open or half-open"
            )
    return tuple(sorted((name, state) for name, state in breakers.items() if state is not None))


def _object(item: dict[str, Any], name: str) -> dict[str, Any] | None:
    value = item.get(name)
    if value is not None and not isinstance(value, dict):
        raise TraceError(f"{name} is {_cut(value)}: write an object")
    return value


def _number(item: dict[str, Any], name: str) -> float | None:
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TraceError(f"{name} is {_cut(value)}: write a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _cut(value: object) -> str:
    """A value as it stands in the trace, bounded."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"


def write(reading: TraceReading) -> str:
    """One reading as a line of a trace; inverse of reading it."""
    counters = reading.counters
    failures = (counters.failures_app, counters.failures_provider)
    known = [value for value in failures if value is not None]
    item = {
        "t": round(reading.at, 3),
        "release": reading.role,
        "pod": reading.pod,
        "requests": counters.requests,
        "errors": sum(known) if known else None,
        "provider_errors": counters.failures_provider,
        "client_errors": counters.client_errors,
        "latency_buckets": {_le(le): count for le, count in counters.latency_buckets}
        if counters.latency_buckets
        else None,
        "cache_hits": counters.cache_hits,
        "cache_misses": counters.cache_misses,
        "breakers": dict(counters.breakers) if counters.breakers else None,
    }
    return json.dumps({key: value for key, value in item.items() if value is not None})


def _le(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else f"{bound:g}"
