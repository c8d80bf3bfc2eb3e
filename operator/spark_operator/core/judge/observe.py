"""One look: readings become counts, counts fill a block, a full block becomes evidence."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite
from typing import TYPE_CHECKING

from spark_operator.core.judge.codec import decode_baseline, encode_baseline
from spark_operator.core.judge.evidence.accusations import latch
from spark_operator.core.judge.evidence.blocks import close
from spark_operator.core.judge.evidence.hypotheses import ERROR_RATE
from spark_operator.core.judge.evidence.queries import look_at_queries
from spark_operator.core.judge.evidence.threshold import check
from spark_operator.core.judge.presence import look_at_breakers, look_for
from spark_operator.core.judge.readings.baseline import (
    FEWEST_FAILURES,
    SCALES,
    Habit,
    learn,
    summary,
    tuned,
)
from spark_operator.core.judge.readings.deltas import CLIENT, ERRORS, advance, latency_bounds
from spark_operator.core.judge.state import Block, Checks, JudgeState, PodBlock, Queries, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.readings.deltas import Delta, Track
    from spark_operator.core.judge.readings.samples import PodSample, Tick

MOST_PODS = 256
"""Pods of one side that are looked at; more add cost, not evidence."""


def start(plan: JudgePlan, now: float, baseline: str = "") -> JudgeState:
    """Return the state at a trial's beginning: no evidence for or against.

    Args:
        plan: the numbers of this trial.
        now: Unix seconds; containers that start later count from zero.
        baseline: what `baseline_of` said when stable was watched last; text that can't be read
            is as good as none.
    """
    return JudgeState(
        bounds=latency_bounds(plan),
        started_at=now,
        at=now,
        block=Block(now),
        step=Step(now),
        checks=Checks(now),
        queries=Queries(now),
        habit=Habit((now,) * len(SCALES)),
        stable_habit=Habit((now,) * len(SCALES)),
        forgotten_before=now,
        stable_busy_at=now,
        baseline=decode_baseline(baseline),
    )


def baseline_of(state: JudgeState, *, promoted: bool) -> str:
    """Return how the errors of the release that is stable from now on come, as short text.

    Args:
        state: the trial's (or the guard's) last state.
        promoted: the candidate is stable now; otherwise stable still is.
    """
    found = summary(state.habit if promoted else state.stable_habit)
    if not promoted and state.baseline is not None and found.failures < FEWEST_FAILURES:
        found = state.baseline
    return encode_baseline(found)


def at_step(plan: JudgePlan, state: JudgeState, now: float) -> JudgeState:
    """Return the state for a new weight: `Pass` evidence starts anew, `Fail` evidence stays.

    Only what happens between two readings that are both later than `now` counts for a `Pass`.
    """
    del plan
    return replace(state, step=Step(now), checks=Checks(now, failed=state.checks.failed))


def _advance_all(
    plan: JudgePlan, tracks: Sequence[Track], pods: Sequence[PodSample], count_from: float
) -> tuple[tuple[Track, ...], list[Delta]]:
    """Return the tracks of all pods, the latest first, and what happened on those now read."""
    known = {track.pod: track for track in tracks}
    found = []
    for pod in pods[:MOST_PODS]:
        track, delta = advance(plan, known.get(pod.pod), pod, count_from)
        if track is not None:
            known[pod.pod] = track
        if delta is not None:
            found.append(delta)
    return tuple(sorted(known.values(), key=lambda track: (-track.at, track.pod))), found


def _merge(block: Sequence[PodBlock], found: Sequence[Delta]) -> tuple[PodBlock, ...]:
    sums = {entry.pod: entry.vector for entry in block}
    for delta in found:
        old = sums.get(delta.pod)
        new = delta.vector
        sums[delta.pod] = tuple(map(sum, zip(old, new, strict=True))) if old else new
    return tuple(PodBlock(pod, vector) for pod, vector in sums.items())


def _latest(found: Sequence[Delta], pods: Sequence[PodSample], now: float) -> float:
    """Return when the latest good reading was made, which may be long before it arrived."""
    good = {delta.pod for delta in found if delta.known}
    return max((min(pod.at, now) for pod in pods if pod.pod in good), default=-inf)


def _filled(plan: JudgePlan, block: Block, mine: list[Delta], theirs: list[Delta]) -> Block:
    young = any(delta.age < plan.warm_up_seconds for delta in mine)
    return replace(
        block,
        young=block.young or young,
        candidate=_merge(block.candidate, mine),
        stable=_merge(block.stable, theirs),
    )


def _is_full(plan: JudgePlan, block: Block, now: float) -> bool:
    if now - block.since >= plan.block_seconds:
        return True
    if plan.block_requests is None:
        return False
    busiest = max((pod.vector[CLIENT][0] for pod in block.candidate), default=0.0)
    return busiest >= plan.block_requests


def _count_step(step: Step, found: Sequence[Delta]) -> Step:
    for delta in found:
        if delta.since >= step.at and delta.known:
            n, x = ERROR_RATE.count(delta.vector)
            first, last = min(step.first, delta.at), max(step.last, delta.at)
            step = replace(step, n=step.n + n, x=step.x + x, first=first, last=last)
    return step


def _done(found: Sequence[Delta]) -> float:
    return sum(delta.vector[ERRORS][0] for delta in found)


def _forget_readings(plan: JudgePlan, state: JudgeState) -> JudgeState:
    """Return the state for a plan with other latency bounds: every base line is taken anew."""
    return replace(
        state,
        bounds=latency_bounds(plan),
        candidate=(),
        stable=(),
        block=Block(state.at),
        forgotten_before=inf,
    )


def observe(plan: JudgePlan, state: JudgeState, tick: Tick) -> JudgeState:
    """Return the state after one more look.

    Safe for any input: a tick that is not newer is ignored, and so is every reading that is
    missing, not newer than the last one of its pod, not finite, negative, or impossibly large.
    """
    if not isfinite(tick.at) or tick.at <= state.at:
        return state
    plan = tuned(plan, state.baseline)
    if state.bounds != latency_bounds(plan):
        state = _forget_readings(plan, state)
    dt = tick.at - state.at
    count_from = state.forgotten_before
    candidate, mine = _advance_all(plan, state.candidate, tick.candidate, count_from)
    stable, theirs = _advance_all(plan, state.stable, tick.stable, count_from)
    forgets = max(len(candidate), len(stable)) > MOST_PODS
    state = replace(
        state,
        at=tick.at,
        candidate=candidate[:MOST_PODS],
        stable=stable[:MOST_PODS],
        forgotten_before=tick.at if forgets or count_from == inf else count_from,
        block=_filled(plan, state.block, mine, theirs),
        step=_count_step(state.step, mine),
        presence=look_for(plan, state.presence, tick, dt, _done(mine), _done(theirs)),
        breakers=look_at_breakers(state.breakers, tick),
        checks=check(plan, state.checks, mine, theirs, tick.at),
        queries=look_at_queries(plan, state.queries, tick.queries, state.started_at, tick.at),
        habit=learn(plan, state.habit, mine, tick.at),
        stable_habit=learn(plan, state.stable_habit, theirs, tick.at),
        candidate_at=max(state.candidate_at, _latest(mine, tick.candidate, tick.at)),
        stable_at=max(state.stable_at, _latest(theirs, tick.stable, tick.at)),
        stable_busy_at=tick.at if _done(theirs) > 0 else state.stable_busy_at,
    )
    if _is_full(plan, state.block, tick.at):
        state = close(plan, state)
    return latch(plan, state)
