"""Shares of traffic by numbers of pods."""

from __future__ import annotations

import pytest

from spark_operator.core.model.weights import candidate_pods, share


@pytest.mark.parametrize(
    ("stable", "weight", "pods", "actual"),
    [
        (4, 0, 1, 20),
        (4, 5, 1, 20),
        (4, 25, 1, 20),
        (4, 50, 4, 50),
        (4, 100, 4, 50),
        (20, 5, 1, 5),
        (20, 10, 2, 9),
        (20, 25, 7, 26),
        (1, 5, 1, 50),
        (200, 50, 200, 50),
    ],
)
def test_pods_for_a_weight(stable: int, weight: int, pods: int, actual: int) -> None:
    assert candidate_pods(stable, weight) == pods
    assert share(pods, stable) == actual


@pytest.mark.parametrize("weight", [51, 75, 99, -1, 101])
def test_a_weight_that_pods_cannot_make(weight: int) -> None:
    with pytest.raises(ValueError, match="use at most 50%, or 100%"):
        candidate_pods(4, weight)


def test_without_pods_there_is_no_share() -> None:
    assert share(0, 4) == 0
    assert share(0, 0) == 0
    assert share(3, 0) == 100
