"""Who makes room when there are too many connections."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spark_app.core.crowd import Crowd


def test_the_oldest_that_asked_for_nothing_makes_room() -> None:
    crowd: Crowd[str] = Crowd(3)
    assert [crowd.enter(name) for name in "abc"] == [None, None, None]
    crowd.known("a")
    assert crowd.enter("d") == "b"
    assert crowd.enter("e") == "c"
    assert len(crowd) == 3


def test_where_everybody_is_known_the_new_one_is_turned_away() -> None:
    crowd: Crowd[str] = Crowd(2)
    for name in "ab":
        crowd.enter(name)
        crowd.known(name)
    assert crowd.enter("c") == "c"
    crowd.leave("a")
    assert crowd.enter("d") is None


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(["enter", "known", "leave"]), st.integers(0, 5))),
)
def test_there_are_never_too_many_and_none_is_counted_twice(
    most: int, steps: list[tuple[str, int]]
) -> None:
    crowd: Crowd[int] = Crowd(most)
    there: set[int] = set()
    for step, one in steps:
        if step == "enter" and one not in there:
            there = (there | {one}) - {crowd.enter(one)}
        elif step == "known":
            crowd.known(one)
        elif step == "leave":
            crowd.leave(one)
            there -= {one}
        assert len(crowd) == len(there) <= most
