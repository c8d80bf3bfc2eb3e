"""Published numbers of sequential tests, and the reference study's own vectors."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge import reference
from spark_operator.core.judge.evidence.eprocess import Requests, log_passes, rates_around

GRID = tuple(j / 2 for j in range(1, 13))


def _against(n: float, x: float, limit: float) -> float:
    slopes = [(rate - limit) / (limit * (1 - limit)) for rate in rates_around(limit, GRID)]
    return reference.log_mean([Requests(n, x).log_bet(slope, limit) for slope in slopes])


@pytest.mark.parametrize(
    ("x", "n", "expected"), [(5, 10, 4.166013), (20, 100, 2.545316)], ids=["5/10", "20/100"]
)
def test_requests_against_a_limit(x: float, n: float, expected: float) -> None:
    assert _against(n, x, 0.1) == pytest.approx(expected, abs=1e-6)


def test_requests_for_a_pass() -> None:
    assert log_passes(100, 0, 0.05) == pytest.approx(4.476291, abs=1e-6)


def test_conditional_ratio() -> None:
    found = reference.conditional_ratio(5, 100, 4, 900, 2.0)
    assert reference.log_mean(found) == pytest.approx(2.253813, abs=1e-6)


def test_one_tick() -> None:
    assert reference.log_mean(reference.tick_bets(0.3, 0.1)) == pytest.approx(0.587787, abs=1e-6)


def test_reference_judge_fails_half_errors_at_its_fourth_tick() -> None:
    judge = reference.ReferenceJudge()
    one = {"x": 5, "n": 10, "stable_x": 0, "stable_n": 90}
    pods = {"bad": 1, "stable_bad": 0, "pods": 1, "stable_pods": 9}
    found = [judge.tick(**one, **pods) for _ in range(4)]
    assert found[2] < np.log(100) <= found[3]
    assert found[3] == pytest.approx(5.1505, abs=1e-3)


@pytest.mark.parametrize(("one_sided", "expected"), [(False, -0.6941012), (True, -0.07134019)])
def test_confseq_beta_binomial_mixture(*, one_sided: bool, expected: float) -> None:
    found = reference.beta_binomial_log_mixture(10, 100, 100, 0.2, 0.8, one_sided=one_sided)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("x", "n", "t_opt", "expected"),
    [(700, 1000, 100, (0.651629, 0.745949)), (15, 50, 50, (0.129556, 0.511896))],
)
def test_confseq_bernoulli_interval(
    x: int, n: int, t_opt: float, expected: tuple[float, float]
) -> None:
    assert reference.bernoulli_interval(x, n, 0.05, t_opt) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    ("theta", "null", "size", "n", "p"),
    [
        ([0.1, 0.3, 0.6], [0.1, 0.4, 0.5], 1000, 402, 0.0484559110597),
        ([0.8 * np.exp(1.5), 0.2 * np.exp(2)], [0.8, 0.2], 1500, 210, 0.0455796317592),
    ],
    ids=["multinomial", "Poisson canary"],
)
def test_lindon_malek(theta: list[float], null: list[float], size: int, n: int, p: float) -> None:
    draws = np.random.RandomState(1).multinomial(1, np.array(theta) / sum(theta), size=size)
    found = reference.multinomial_p_values(draws, np.array(null))
    first = int(np.argmax(found <= 0.05))
    assert first + 1 == n
    assert found[first] == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize(
    ("looks", "size"), [(1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.32)]
)
def test_armitage_mcpherson_rowe(looks: int, size: float) -> None:
    found = reference.repeated_test_size(looks, trials=20_000, seed=1)
    assert found == pytest.approx(size, abs=0.01)
