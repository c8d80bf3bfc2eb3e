"""Which older releases a schema leaves working: the highest declaration counts."""

from __future__ import annotations

import pytest

from spark_app.storage.chain import MigrationError, chain_of, load_chain

A, B, C, D = "20240101000000", "20240201000000", "20240301000000", "20240401000000"


def test_a_version_that_declares_nothing_excludes_all_before_it_for_good() -> None:
    assert chain_of([(A, None), (B, A), (C, None), (D, A)]).floors == (A, A, C, C)


def test_floor_and_rest_of_the_way() -> None:
    chain = chain_of([(A, None), (B, A), (C, B)])
    assert (chain.head, chain.floor(None), chain.floor(B), chain.floor(C)) == (C, None, A, B)
    assert (chain.after(None), chain.after(A), chain.after(C)) == ((A, B, C), (B, C), ())
    with pytest.raises(ValueError, match="not in tuple"):
        chain.floor(D)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ([(B, None), (A, None)], "don't ascend"),
        ([(A, None), (A, None)], "don't ascend"),
        ([(A, None), (B, C), (C, None)], "correct it in the release"),
        ([(A, "20230101000000")], "correct it in the release"),
    ],
)
def test_a_mistake_of_the_release_is_said(
    declared: list[tuple[str, str | None]], words: str
) -> None:
    with pytest.raises(MigrationError, match=words):
        chain_of(declared)


def test_what_this_release_ships_only_adds() -> None:
    chain = load_chain()
    assert chain.floors == (chain.versions[0],) * len(chain.versions)
