"""From cumulative counters to what happened since the last good reading of a pod."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite, nan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.readings.samples import Counters, PodSample

LARGEST = 1e15
"""Above this a double can't count in ones any more; such a counter is garbage."""

MOST_PER_SECOND = 1e5
"""No pod answers more requests a second; a larger step is garbage."""

Vector = tuple[float, ...]
"""Counters in fixed places, in groups that are known or unknown together:
`(requests without 4xx, 5xx of the app, 5xx of a provider)`, `(requests, 4xx)`, one
`(requests timed, requests over the bound)` for each latency bound, and
`(cache look-ups, cache misses)`."""

ERRORS, CLIENT, LATENCY = slice(0, 3), slice(3, 5), 5


@dataclass(frozen=True, slots=True)
class Track:
    """The last good reading of one pod.

    Attributes:
        pod: UID.
        at: when it was read, Unix seconds.
        vector: what was read; NaN for what never was.
    """

    pod: str
    at: float
    vector: Vector


@dataclass(frozen=True, slots=True)
class Delta:
    """What happened on one pod between two good readings.

    Attributes:
        pod: UID.
        since: the earlier reading's time (the container's start for a first one).
        at: the later reading's time.
        vector: increases; a group that is unknown is all zero.
        known: the request counts are among what is known.
        age: the container's age at the later reading, seconds.
    """

    pod: str
    since: float
    at: float
    vector: Vector
    known: bool
    age: float


def latency_bounds(plan: JudgePlan) -> tuple[float, ...]:
    """Return the bucket boundaries that are read: the absolute bound first."""
    return (plan.latency_bound, *plan.latency_shift_bounds)


def groups(plan: JudgePlan) -> tuple[slice, ...]:
    """Return the vector's groups; in each the first place is the total of the others."""
    pairs = LATENCY + 2 * (len(latency_bounds(plan)) + 1)
    return (ERRORS, CLIENT, *(slice(i, i + 2) for i in range(LATENCY, pairs, 2)))


def _number(value: float | None) -> float:
    if value is None or not isfinite(value) or not 0 <= value <= LARGEST:
        return nan
    return float(value)


def _latency(plan: JudgePlan, buckets: Sequence[tuple[float, float]] | None) -> list[float]:
    """Return the timed requests and those over the bound, per bound.

    A bound that is no boundary counts from the next boundary above it, which is on the safe side;
    above the last one there is no data (NaN).
    """
    counts = [(le, _number(count)) for le, count in buckets or ()]
    total = next((count for le, count in counts if le == inf), nan)
    result: list[float] = []
    for bound in latency_bounds(plan):
        above = min((pair for pair in counts if bound <= pair[0] < inf), default=(nan, nan))
        result += [total, total - above[1]]
    return result


def read(plan: JudgePlan, values: Counters) -> Vector:
    """Return a scrape as a vector; what is missing, infinite, negative or huge becomes NaN."""
    every = _number(values.requests)
    client = _number(values.client_errors or 0.0)
    hits, misses = _number(values.cache_hits), _number(values.cache_misses)
    vector = (
        every - client,
        _number(values.failures_app),
        _number(values.failures_provider or 0.0),
        every,
        client,
        *_latency(plan, values.latency_buckets),
        hits + misses,
        misses,
    )
    return tuple(_number(value) for value in vector)


def _increase(new: Vector, old: Vector) -> Vector:
    """Return the increase; if any counter fell, the process restarted and all count from 0."""
    if any(a < b for a, b in zip(new, old, strict=True)):
        return new
    return tuple(a - b for a, b in zip(new, old, strict=True))


def _cleaned(plan: JudgePlan, vector: Vector) -> Vector:
    """Return zeros for unknown groups, and no part above its total (scrapes are not atomic)."""
    result: list[float] = []
    for group in groups(plan):
        total, *parts = vector[group]
        if not isfinite(sum(parts, total)):
            result += [0.0] * (1 + len(parts))
            continue
        result.append(total)
        left = total
        for part in parts:
            result.append(min(part, left))
            left -= result[-1]
    return tuple(result)


def advance(
    plan: JudgePlan, track: Track | None, sample: PodSample, count_from: float
) -> tuple[Track | None, Delta | None]:
    """Return the pod's new track, and what happened since the last one.

    A sample without values, not newer than the last one, or impossible adds nothing and leaves
    the track as it is. A container that started after `count_from`, or after the pod's last
    reading, counts from zero; one that was there before only gives its base line at first.

    Args:
        plan: says which latency bounds are read.
        track: the pod's track, None if it is new.
        sample: the new reading.
        count_from: Unix seconds.
    """
    if sample.values is None or not isfinite(sample.at) or (track and sample.at <= track.at):
        return track, None
    vector = read(plan, sample.values)
    fresh = Track(sample.pod, sample.at, vector)
    born = sample.started_at if isfinite(sample.started_at) else 0.0
    if track is None:
        if not count_from <= born <= sample.at:
            return fresh, None
        since, change = born, vector
    elif track.at < born <= sample.at:
        since, change = track.at, vector
    else:
        since, change = track.at, _increase(vector, track.vector)
        fresh = replace(fresh, vector=_filled(vector, track.vector))
    known = isfinite(sum(change[ERRORS]))
    change = _cleaned(plan, change)
    if change[CLIENT][0] > MOST_PER_SECOND * max(sample.at - since, 1.0):
        return track, None
    return fresh, Delta(sample.pod, since, sample.at, change, known, sample.at - born)


def _filled(new: Vector, old: Vector) -> Vector:
    """Return the reading with what it lacks taken from the last one, so nothing counts twice."""
    return tuple(a if isfinite(a) else b for a, b in zip(new, old, strict=True))
