"""The trace's form: JSON lines, each one reading of one pod.

``{"t": seconds, "release": "stable" | "candidate", "pod": name, "requests": n, "errors": n,
"latency_buckets": {"le": cumulative count}, "cache_hits": n, "cache_misses": n,
"breakers": {"claude": "closed" | "open" | "half-open"}}``.  Counters are cumulative for each pod,
from 0.  ``provider_errors`` (those of ``errors`` that a provider is to blame for) and
``client_errors`` may be there too.  A line may lack any field but ``t``, ``release`` and ``pod``:
that is no data for what the field feeds.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from spark_operator.core.judge import Counters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINES: Final = 20_000_000
MAX_LINE_LENGTH: Final = 65_536
MAX_SECONDS: Final = 31 * 86_400.0
MAX_PODS: Final = 1_000

Role = Literal["stable", "candidate"]


class TraceError(Exception):
    """A trace cannot be read; the message names the line and what to change."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one pod, ``at`` seconds since the trace's own zero."""

    at: float
    role: Role
    pod: str
    counters: Counters


@dataclass(frozen=True, slots=True)
class Frame:
    """All readings of one second; ``at`` is its end, in the trace's seconds."""

    at: float
    readings: tuple[Reading, ...]


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """Group a trace's lines into frames of one second, empty ones included.

    Raises:
        TraceError: a line is not in the trace's form, or time runs backwards.
    """
    second: int | None = None
    held: list[Reading] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        reading = _reading(line, number)
        now = math.ceil(reading.at)
        second = now if second is None else second
        if now < second:
            raise TraceError(f"line {number}: t is {reading.at}, earlier than {second} s before it")
        while second < now:
            yield Frame(float(second), tuple(held))
            held, second = [], second + 1
        held.append(reading)
    if second is not None:
        yield Frame(float(second), tuple(held))


def _reading(line: str, number: int) -> Reading:
    if number > MAX_LINES or len(line) > MAX_LINE_LENGTH:
        limit = f"{MAX_LINES} lines of {MAX_LINE_LENGTH} characters"
        raise TraceError(f"line {number}: a trace may have at most {limit}")
    try:
        item = json.loads(line)
        at, role, pod = float(item["t"]), item["release"], str(item["pod"])
        counters = _counters(item)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise TraceError(
            f"line {number}: not a reading with t, release and pod ({problem}): {line[:80].strip()}"
        ) from error
    if role not in ("stable", "candidate"):
        raise TraceError(f'line {number}: release is {role!r}: write "stable" or "candidate"')
    if not 0 <= at <= MAX_SECONDS:
        raise TraceError(f"line {number}: t is {at}: give seconds from 0 to {MAX_SECONDS:.0f}")
    return Reading(at, role, pod, counters)


def _counters(item: dict[str, Any]) -> Counters:
    errors, provider = _number(item, "errors"), _number(item, "provider_errors")
    app = None if errors is None else errors - (provider or 0.0)
    buckets = item.get("latency_buckets")
    breakers = item.get("breakers")
    return Counters(
        requests=_number(item, "requests"),
        failures_app=app,
        failures_provider=provider if errors is None else provider or 0.0,
        client_errors=_number(item, "client_errors"),
        latency_buckets=None
        if buckets is None
        else tuple(sorted((float(le), float(count)) for le, count in buckets.items())),
        cache_hits=_number(item, "cache_hits"),
        cache_misses=_number(item, "cache_misses"),
        breakers=None
        if breakers is None
        else tuple(sorted((str(name), str(state)) for name, state in breakers.items())),
    )


def _number(item: dict[str, Any], name: str) -> float | None:
    value = item.get(name)
    return None if value is None else float(value)


def write(reading: Reading) -> str:
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
