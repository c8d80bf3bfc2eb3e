"""The sliding-window counter over an injected clock."""

from hypothesis import given
from hypothesis import strategies as st

from spark_app.core.window import SlidingWindow


class Clock:
    def __init__(self) -> None:
        self.now = 6000.0

    def __call__(self) -> float:
        return self.now


def test_no_more_than_the_amount_passes_in_one_window() -> None:
    window = SlidingWindow(3, 60.0, Clock())
    assert [window.hit("a").allowed for _ in range(5)] == [True, True, True, False, False]
    assert window.hit("b").allowed


def test_the_last_window_weighs_by_its_overlap() -> None:
    clock = Clock()
    window = SlidingWindow(4, 60.0, clock)
    for _ in range(4):
        window.hit("a")
    clock.now += 60.0
    assert not window.hit("a").allowed
    clock.now += 30.0
    assert [window.hit("a").allowed for _ in range(3)] == [True, True, False]
    clock.now += 120.0
    assert window.hit("a").remaining == 3


@given(
    st.integers(1, 20),
    st.lists(st.floats(0, 30), min_size=1, max_size=100),
)
def test_whoever_waits_for_the_reset_is_let_in(amount: int, pauses: list[float]) -> None:
    clock = Clock()
    window = SlidingWindow(amount, 60.0, clock)
    for pause in pauses:
        clock.now += pause
        count = window.hit("a")
        assert 0 <= count.remaining < amount
        assert 0 <= count.reset <= 120.0
        if not count.allowed:
            clock.now += count.reset + 0.001
            assert window.hit("a").allowed
