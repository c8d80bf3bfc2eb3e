"""``CandidateUnavailable``: gone is no missing data, but starting is not gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_operator.core import judge
from spark_operator.core.judge import (
    Counters,
    PodSample,
    Sensitivity,
    Tick,
    VerdictKind,
    VerdictReason,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN = judge.plan_for(Sensitivity.BALANCED)
NOTHING_WRONG = Counters(requests=10.0, failures_app=0.0, failures_provider=0.0)


def _pod(name: str, at: float, *, ready: bool = True) -> PodSample:
    values = NOTHING_WRONG if ready else None
    return PodSample(name, at, values, ready=ready, restarts=0, started_at=0.0)


def _verdict_after(ticks: list[Tick]) -> judge.Verdict:
    state = judge.start(PLAN, ticks[0].at - 1)
    for tick in ticks:
        state = judge.observe(PLAN, state, tick)
    return judge.verdict(PLAN, state, ticks[-1].at)


def test_pods_that_start_beside_one_that_was_ready_are_not_missing() -> None:
    ticks = [
        Tick(
            at,
            candidate=(_pod("c0", at), *(_pod(f"new{i}", at, ready=False) for i in range(3))),
            stable=(_pod("s0", at),),
        )
        for at in map(float, range(1, 60))
    ]
    assert _verdict_after(ticks).kind is not VerdictKind.FAIL


def test_pods_that_were_ready_and_are_not_any_more_fail_the_candidate() -> None:
    ticks = [
        Tick(at, candidate=(_pod("c0", at, ready=at < 10),), stable=(_pod("s0", at),))
        for at in map(float, range(1, 30))
    ]
    verdict = _verdict_after(ticks)
    assert (verdict.kind, verdict.reason) == (VerdictKind.FAIL, VerdictReason.CANDIDATE_UNAVAILABLE)


def _scraped(answered: Callable[[float], bool], seconds: int) -> judge.Verdict:
    def candidate(at: float) -> PodSample:
        values = NOTHING_WRONG if answered(at) else None
        return PodSample("c0", at, values, ready=True, restarts=0, started_at=0.0)

    return _verdict_after(
        [
            Tick(at, candidate=(candidate(at),), stable=(_pod("s0", at),))
            for at in map(float, range(1, seconds))
        ]
    )


@pytest.mark.parametrize("misses", [1, 2])
def test_scrapes_that_fail_here_and_there_are_no_absence(misses: int) -> None:
    """On a node that is busy one in two fails for an hour: nobody is away for three seconds."""
    verdict = _scraped(lambda at: at < 5 or at % (misses + 1) == 0, 3600)
    assert verdict.kind is not VerdictKind.FAIL
    assert "not fully available" not in verdict.message


def test_scrapes_that_fail_on_end_fail_a_candidate_that_is_ready_from_the_first() -> None:
    assert _scraped(lambda at: at < 5, 14).kind is not VerdictKind.FAIL
    verdict = _scraped(lambda at: at < 5, 15)
    assert (verdict.kind, verdict.reason) == (VerdictKind.FAIL, VerdictReason.CANDIDATE_UNAVAILABLE)
    assert "1 do not answer scrapes" in verdict.message


def test_a_candidate_that_answers_every_sixth_second_only_is_away() -> None:
    assert _scraped(lambda at: at < 5 or at % 6 == 0, 30).kind is VerdictKind.FAIL


def test_pods_replaced_by_ones_that_never_get_ready_fail_the_candidate() -> None:
    ticks = [
        Tick(
            at,
            candidate=(_pod("c0", at),) if at < 10 else (_pod("c1", at, ready=False),),
            stable=(_pod("s0", at),),
        )
        for at in map(float, range(1, 30))
    ]
    assert _verdict_after(ticks).kind is VerdictKind.FAIL


def test_restarts_of_a_pod_that_never_got_ready_are_the_deadlines_to_judge() -> None:
    def starting(at: float) -> PodSample:
        restarts = int(at // 10)
        return PodSample("new", at, None, ready=False, restarts=restarts, started_at=0.0)

    ticks = [
        Tick(at, candidate=(_pod("c0", at), starting(at)), stable=(_pod("s0", at),))
        for at in map(float, range(1, 90))
    ]
    assert _verdict_after(ticks).kind is not VerdictKind.FAIL


def test_restarts_of_a_pod_that_was_ready_fail_the_candidate() -> None:
    def flapping(at: float) -> PodSample:
        up = at % 10 > 2
        values = NOTHING_WRONG if up else None
        return PodSample("c0", at, values, ready=up, restarts=int(at // 10), started_at=0.0)

    ticks = [
        Tick(at, candidate=(flapping(at),), stable=(_pod("s0", at),))
        for at in map(float, range(3, 60))
    ]
    assert _verdict_after(ticks).reason is VerdictReason.CANDIDATE_UNAVAILABLE


def test_pods_replaced_one_at_a_time_by_ready_ones_are_no_absence() -> None:
    """As a rolling restart for a changed credential does, with a pod more meanwhile."""

    def pods(at: float) -> tuple[PodSample, ...]:
        replaced, since = int(at // 10), at % 10
        old = [_pod(f"old{number}", at) for number in range(replaced, 3)]
        new = [_pod(f"new{number}", at) for number in range(min(replaced, 3))]
        starting = [_pod(f"new{replaced}", at, ready=since >= 8)] * (replaced < 3)
        return (*new, *starting, *old)

    ticks = [Tick(at, pods(at), (_pod("s0", at),)) for at in map(float, range(1, 60))]
    verdicts = [_verdict_after(ticks[: count + 1]) for count in range(len(ticks))]
    assert {verdict.kind for verdict in verdicts} <= {
        VerdictKind.CONTINUE,
        VerdictKind.NO_DATA,
        VerdictKind.PASS,
    }


def _evicted(back_after: float, crashes_at: float = 1e9) -> list[Tick]:
    """The only pod is taken away at 10 s, and its replacement is ready some seconds later."""

    def pods(at: float) -> tuple[PodSample, ...]:
        if at < 10:
            return (_pod("c0", at),)
        return (_pod("c1", at, ready=10 + back_after <= at < crashes_at),)

    return [
        Tick(at, pods(at), (_pod("s0", at),), disrupted=("c0",) if 10 <= at < 40 else ())
        for at in map(float, range(1, 600))
    ]


def test_a_pod_that_is_evicted_is_excused_until_its_replacement_had_its_start() -> None:
    ticks = _evicted(back_after=120)
    during = _verdict_after(ticks[:60])
    assert during.kind is not VerdictKind.FAIL
    state = judge.start(PLAN, 0.0)
    for tick in ticks[:60]:
        state = judge.observe(PLAN, state, tick)
    assert "taken away by the cluster or a person" in judge.in_doubt(PLAN, state)
    assert _verdict_after(ticks).kind is not VerdictKind.FAIL


def test_a_replacement_that_never_starts_is_the_release_s_after_a_while() -> None:
    ticks = _evicted(back_after=1e9)
    assert _verdict_after(ticks[:315]).kind is not VerdictKind.FAIL
    assert _verdict_after(ticks[:325]).reason is VerdictReason.CANDIDATE_UNAVAILABLE


def test_a_replacement_that_started_and_goes_away_is_excused_no_longer() -> None:
    ticks = _evicted(back_after=12, crashes_at=40)
    assert _verdict_after(ticks[:55]).reason is VerdictReason.CANDIDATE_UNAVAILABLE


def test_the_excuse_survives_a_restart_of_the_operator() -> None:
    ticks = _evicted(back_after=60)
    state = judge.start(PLAN, 0.0)
    for tick in ticks[:100]:
        state = judge.decode(PLAN, judge.encode(judge.observe(PLAN, state, tick)))
    assert judge.verdict(PLAN, state, 100.0).kind is not VerdictKind.FAIL


def _late(seconds: int, *, asked: Callable[[float], bool], ready: bool = True) -> judge.Verdict:
    """A candidate of which no page came, at looks that were or were not made in time."""

    def candidate(at: float) -> PodSample:
        values = NOTHING_WRONG if at < 5 else None
        return PodSample(
            "c0", at, values, ready=ready or at < 5, restarts=0, started_at=0.0, asked=asked(at)
        )

    return _verdict_after(
        [
            Tick(at, candidate=(candidate(at),), stable=(_pod("s0", at),))
            for at in map(float, range(1, seconds))
        ]
    )


def test_a_pod_that_was_not_asked_in_time_is_not_silent() -> None:
    """Our own load rolled healthy releases back: readings were lost in a pool of our own."""
    assert _late(60, asked=lambda _: False).kind is not VerdictKind.FAIL


def test_a_pod_that_was_asked_and_does_not_answer_is() -> None:
    found = _late(60, asked=lambda _: True)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.CANDIDATE_UNAVAILABLE)


def test_silence_goes_on_over_a_look_that_was_late() -> None:
    found = _late(60, asked=lambda at: at % 3 != 0)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.CANDIDATE_UNAVAILABLE)


def test_a_pod_that_is_not_ready_fails_however_late_we_are() -> None:
    found = _late(60, asked=lambda _: False, ready=False)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.CANDIDATE_UNAVAILABLE)
