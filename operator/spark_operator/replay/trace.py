"""A trace as a whole: its lines in the order of time, second by second."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from spark_operator.core.judge import Counters
from spark_operator.replay.line import TraceError, TraceReading, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINES: Final = 2_000_000
MAX_SECONDS: Final = 31 * 86_400.0
MAX_PODS: Final = 1_000
ROUNDING: Final = 1e-6
"""A Unix time as a double is good to a quarter of this."""


@dataclass(frozen=True, slots=True)
class Frame:
    """All readings of one second; ``at`` is its end, in the trace's seconds."""

    at: float
    readings: tuple[TraceReading, ...]


def frames(lines: Iterable[str]) -> Iterator[Frame]:
    """Group a trace's lines into frames of one second from the first reading on, empty ones too.

    Raises:
        TraceError: a line is not in the trace's form, no line is a reading, or the trace is
            larger or longer than one may be.
    """
    readings = _in_order(lines)
    start, span = readings[0].at, readings[-1].at - readings[0].at
    if span > MAX_SECONDS:
        raise TraceError(
            f"t goes from {start:.15g} to {readings[-1].at:.15g}, which is more than"
            f" {MAX_SECONDS / 86_400:.0f} days: give t in seconds, or a part of the trace"
        )
    second, held = 0, list[TraceReading]()
    for reading in readings:
        now = math.ceil(reading.at - start - ROUNDING)
        while second < now:
            yield Frame(round(start + second, 3), tuple(held))
            held, second = [], second + 1
        held.append(reading)
    yield Frame(round(start + second, 3), tuple(held))


def _in_order(lines: Iterable[str]) -> list[TraceReading]:
    """All readings by their time; those of one time stay in the trace's order."""
    found = list(_parsed(lines))
    pods = {(reading.role, reading.pod) for reading in found}
    if len(pods) > MAX_PODS:
        raise TraceError(f"the trace names {len(pods)} pods: it may name at most {MAX_PODS}")
    named = {role for role, pod in pods if pod}
    kept = [reading for reading in found if reading.pod or reading.role not in named]
    if not kept:
        raise TraceError(
            "the trace holds no reading: give at least one line with t, release and pod"
        )
    return sorted(kept, key=attrgetter("at"))


def merged(earlier: TraceReading | None, later: TraceReading) -> TraceReading:
    """One pod's readings of the same second as one: the later, and what only the earlier has."""
    if earlier is None:
        return later
    lacking = {
        field.name: value
        for field in fields(Counters)
        if getattr(later.counters, field.name) is None
        and (value := getattr(earlier.counters, field.name)) is not None
    }
    return replace(later, counters=replace(later.counters, **lacking)) if lacking else later


def _parsed(lines: Iterable[str]) -> Iterator[TraceReading]:
    for number, line in enumerate(lines, 1):
        if number > MAX_LINES:
            raise TraceError(f"a trace may have at most {MAX_LINES} lines: give a part of it")
        if not line.strip():
            continue
        try:
            reading = parse(line)
        except TraceError as error:
            raise TraceError(f"line {number}: {error}") from error
        if reading is not None:
            yield reading
