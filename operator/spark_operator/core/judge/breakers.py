"""Circuit breakers of both sides: how long the candidate's are open, and what stable's did.

A breaker that is open may be the provider's doing.  It says something about the release only beside
a side that asked the same provider in the same time.  Half-open is not open: only traffic ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

from spark_operator.core.judge.state import BreakerTimes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.readings.deltas import Delta, Vector
    from spark_operator.core.judge.readings.samples import PodSample, Tick

MOST_PROVIDERS = 8
"""More breakers than this are not watched."""

MOST_CALLERS = 8
"""Pods of stable whose calls are counted."""

ENOUGH_CALLS = 10.0
"""Calls after which stable's breaker would have opened as well, had they failed."""

WINDOW_SECONDS = 60.0
"""What a breaker opens on may have happened this long ago."""

LONGEST_GAP = 5.0
"""A longer time between two looks says nothing about what was in between."""

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"


@dataclass(frozen=True, slots=True)
class _Shares:
    """The shares of pods whose breaker is open, and whose is not closed."""

    open: float
    doubtful: float


def closed(breaker: BreakerTimes) -> BreakerTimes:
    """Return the breaker as closed on the candidate; what stable's did is kept."""
    return BreakerTimes(
        breaker.provider,
        stable_open_at=breaker.stable_open_at,
        stable_doubt_at=breaker.stable_doubt_at,
    )


def _shares(pods: Sequence[PodSample], provider: str) -> _Shares | None:
    """Return the shares among the pods that report; None if none does."""
    states = [
        state
        for pod in pods
        if pod.values is not None
        for name, state in pod.values.breakers or ()
        if name == provider and state in {CLOSED, OPEN, HALF_OPEN}
    ]
    if not states:
        return None
    return _Shares(states.count(OPEN) / len(states), 1 - states.count(CLOSED) / len(states))


def _of_candidate(
    old: BreakerTimes, pods: Sequence[PodSample], dt: float, now: float
) -> BreakerTimes:
    """Return the candidate's clock: it runs while half of the pods or more are open."""
    found = _shares(pods, old.provider)
    if found is None:
        return old
    if found.doubtful < 0.5:
        return closed(old)
    if found.open >= 0.5:
        if old.since is None:
            return replace(old, since=now, is_open=True)
        return replace(old, seconds=old.seconds + dt, is_open=True, trying=0.0)
    if old.since is None or old.trying + dt >= WINDOW_SECONDS:
        return closed(old)
    return replace(old, is_open=False, trying=old.trying + dt)


def _of_stable(old: BreakerTimes, pods: Sequence[PodSample], now: float) -> BreakerTimes:
    """Return what stable's did: any pod counts, because then the provider may be to blame."""
    found = _shares(pods, old.provider)
    if found is None or found.doubtful == 0:
        return old
    opened = now if found.open > 0 else old.stable_open_at
    return replace(old, stable_open_at=opened, stable_doubt_at=now)


def _calls(pods: Sequence[PodSample], provider: str) -> Iterator[tuple[str, float]]:
    for pod in pods:
        for name, count in (pod.values.calls or ()) if pod.values is not None else ():
            if name == provider and isfinite(count) and count >= 0:
                yield pod.pod, count


def _counted(old: BreakerTimes, pods: Sequence[PodSample]) -> BreakerTimes:
    """Return the breaker with stable's further calls; a pod's first reading is its base line."""
    known, more = dict(old.calls), 0.0
    for pod, count in _calls(pods, old.provider):
        if pod in known or len(known) < MOST_CALLERS:
            more += max(0.0, count - known.get(pod, count))
            known[pod] = count
    return replace(old, asked=old.asked + more, calls=tuple(sorted(known.items())))


def _plus(sums: Vector, found: Sequence[Delta]) -> Vector:
    for delta in found:
        more = delta.vector
        sums = tuple(map(sum, zip(sums, more, strict=True))) if sums else more
    return sums


def look_at_breakers(
    breakers: Sequence[BreakerTimes],
    tick: Tick,
    dt: float,
    mine: Sequence[Delta],
    theirs: Sequence[Delta],
) -> tuple[BreakerTimes, ...]:
    """Return the breakers after one more look.

    Args:
        breakers: before the look.
        tick: the look.
        dt: seconds since the last look.
        mine: what the candidate counted since then.
        theirs: what stable did.
    """
    known = {breaker.provider: breaker for breaker in breakers}
    names = set(known)
    for pod in (*tick.candidate, *tick.stable):
        if pod.values is not None:
            names.update(name for name, _ in (pod.values.breakers or ())[:MOST_PROVIDERS])
    result = []
    for name in sorted(names)[:MOST_PROVIDERS]:
        breaker = known.get(name, BreakerTimes(name))
        if breaker.since is not None:
            sums = _plus(breaker.mine, mine), _plus(breaker.theirs, theirs)
            breaker = replace(breaker, mine=sums[0], theirs=sums[1])
        breaker = _of_candidate(breaker, tick.candidate, min(dt, LONGEST_GAP), tick.at)
        breaker = _of_stable(breaker, tick.stable, tick.at)
        result.append(breaker if breaker.since is None else _counted(breaker, tick.stable))
    return tuple(result)


def is_long(plan: JudgePlan, breaker: BreakerTimes) -> bool:
    """Return whether the candidate's is open, and has been for as long as it may."""
    limit = min(plan.breaker_open_candidate_only, plan.breaker_open_critical)
    return breaker.is_open and breaker.seconds >= limit


def was_open_on_stable(breaker: BreakerTimes, now: float) -> bool:
    """Return whether stable's was open lately, so that the provider may be to blame."""
    return now - breaker.stable_open_at < WINDOW_SECONDS


def is_on_candidate_only(breaker: BreakerTimes, now: float) -> bool:
    """Return whether stable asked the same provider in the same time and its own stayed closed."""
    if breaker.since is None or breaker.asked < ENOUGH_CALLS:
        return False
    return (
        breaker.stable_doubt_at < breaker.since and now - breaker.stable_doubt_at >= WINDOW_SECONDS
    )
