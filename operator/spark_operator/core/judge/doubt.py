"""Times that lie ahead: the clock that wrote them was wrong, and nothing may wait for it."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spark_operator.core.judge.readings.deltas import Track
    from spark_operator.core.judge.state import BreakerTimes, JudgeState

SLACK_SECONDS = 5.0
"""Clocks of two replicas may differ by this much."""


def not_later(state: JudgeState, now: float) -> JudgeState:
    """Return the state with every time in it that is later than now taken for now.

    What was counted stays. A state that is not more than ``SLACK_SECONDS`` ahead is returned as it
    is.

    Args:
        state: the state, perhaps of a clock that was ahead.
        now: Unix seconds.
    """
    if state.at <= now + SLACK_SECONDS:
        return state

    def seen(at: float) -> float:
        return at if at == inf else min(at, now)

    def tracks(found: Sequence[Track]) -> tuple[Track, ...]:
        return tuple(replace(track, at=seen(track.at)) for track in found)

    step = state.step
    return replace(
        state,
        at=now,
        started_at=seen(state.started_at),
        block=replace(state.block, since=seen(state.block.since)),
        step=replace(step, at=seen(step.at), first=seen(step.first), last=seen(step.last)),
        checks=replace(state.checks, since=seen(state.checks.since)),
        queries=replace(
            state.queries,
            since=seen(state.queries.since),
            found=tuple(replace(it, seen_at=seen(it.seen_at)) for it in state.queries.found),
        ),
        habit=replace(state.habit, opened=tuple(map(seen, state.habit.opened))),
        stable_habit=replace(
            state.stable_habit, opened=tuple(map(seen, state.stable_habit.opened))
        ),
        forgotten_before=seen(state.forgotten_before),
        candidate=tracks(state.candidate),
        stable=tracks(state.stable),
        breakers=tuple(_breaker(it, seen) for it in state.breakers),
        candidate_at=seen(state.candidate_at),
        stable_at=seen(state.stable_at),
        stable_busy_at=seen(state.stable_busy_at),
    )


def _breaker(found: BreakerTimes, seen: Callable[[float], float]) -> BreakerTimes:
    return replace(
        found,
        since=None if found.since is None else seen(found.since),
        stable_open_at=seen(found.stable_open_at),
        stable_doubt_at=seen(found.stable_doubt_at),
    )
