"""The breaker as a state machine over an injected clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_app.core.breaker import Breaker, BreakerConfig, BreakerOpenError, BreakerState


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def state(breaker: Breaker) -> BreakerState:
    """Read anew each time: a type checker would take the property for a constant."""
    return breaker.state


def make(clock: Clock, **changes: float) -> Breaker:
    config = BreakerConfig(**changes)  # type: ignore[arg-type]
    return Breaker("claude", config, clock, lambda: 0.5)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.admit().failure()


def test_stays_closed_below_the_minimum_of_calls() -> None:
    breaker = make(Clock())
    fail(breaker, 9)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker)
    assert state(breaker) is BreakerState.OPEN


def test_opens_at_half_of_the_calls_and_not_before() -> None:
    breaker = make(Clock())
    for _ in range(11):
        breaker.admit().success()
    fail(breaker, 10)
    assert state(breaker) is BreakerState.CLOSED
    fail(breaker)
    assert state(breaker) is BreakerState.OPEN


def test_calls_older_than_the_window_do_not_count() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 9)
    clock.now += 60.0
    fail(breaker)
    assert state(breaker) is BreakerState.CLOSED
    assert breaker.failure_rate == 1.0


def test_open_refuses_and_says_when_to_come_back() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 10)
    clock.now += 10.0
    with pytest.raises(BreakerOpenError) as caught:
        breaker.admit()
    assert caught.value.retry_after == pytest.approx(20.0)


def test_half_open_admits_two_probes_and_closes_after_three_successes() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 10)
    clock.now += 30.0
    assert state(breaker) is BreakerState.HALF_OPEN
    first, second = breaker.admit(), breaker.admit()
    with pytest.raises(BreakerOpenError):
        breaker.admit()
    first.success()
    second.success()
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.admit().success()
    assert state(breaker) is BreakerState.CLOSED
    assert breaker.failure_rate == 0.0


def test_one_failed_probe_reopens_and_a_late_success_changes_nothing() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 10)
    clock.now += 30.0
    first, second = breaker.admit(), breaker.admit()
    first.failure()
    assert state(breaker) is BreakerState.OPEN
    second.success()
    assert state(breaker) is BreakerState.OPEN


def test_a_released_probe_gives_its_place_back() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 10)
    clock.now += 30.0
    permits = [breaker.admit(), breaker.admit()]
    for permit in permits:
        permit.release()
        permit.failure()
    assert state(breaker) is BreakerState.HALF_OPEN
    assert breaker.admits


def test_an_outcome_from_before_the_opening_is_no_probe() -> None:
    clock = Clock()
    breaker = make(clock)
    early = breaker.admit()
    fail(breaker, 10)
    clock.now += 30.0
    early.failure()
    assert state(breaker) is BreakerState.HALF_OPEN


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 24.0), (0.5, 30.0), (0.999, 36.0)])
def test_the_open_time_is_jittered(chance: float, seconds: float) -> None:
    clock = Clock()
    breaker = Breaker("claude", BreakerConfig(), clock, lambda: chance)
    fail(breaker, 10)
    assert breaker.retry_after == pytest.approx(seconds, abs=0.1)


@given(
    st.lists(
        st.tuples(st.sampled_from(["admit", "success", "failure", "release"]), st.floats(0, 50)),
        max_size=200,
    )
)
def test_whatever_happens_probes_stay_bounded_and_it_recovers(
    steps: list[tuple[str, float]],
) -> None:
    clock = Clock()
    breaker = make(clock, minimum_calls=3)
    permits = []
    for action, seconds in steps:
        clock.now += seconds
        if action == "admit":
            try:
                permits.append(breaker.admit())
            except BreakerOpenError:
                assert state(breaker) is not BreakerState.CLOSED
        elif permits:
            getattr(permits.pop(), action)()
        assert 0 <= breaker._probing <= 2
        assert 0 <= breaker._failed <= len(breaker._calls)
    for permit in permits:
        permit.release()
    clock.now += 100.0
    for _ in range(3):
        breaker.admit().success()
    assert state(breaker) is BreakerState.CLOSED
