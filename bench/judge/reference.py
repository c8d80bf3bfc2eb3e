"""Published sequential tests and the reference judge, as oracles.

The judge is compared with them; it does not use them.
"""

from __future__ import annotations

from math import exp, lgamma, log
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def log_mean(logs: Sequence[float]) -> float:
    """Return the log of the mean of exponentials."""
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs) / len(logs))


def conditional_ratio(
    x: float, n: float, stable_x: float, stable_n: float, null: float
) -> list[float]:
    """Return log e-values that a ratio of rates is above ``null``, given the failures' total.

    One per ratio ``null * 2^(j/2)``, j = 1..12.
    """
    base = null * n + stable_n
    ratios = [null * 2 ** (j / 2) for j in range(1, 13)]
    return [
        x * log(ratio / null) - (x + stable_x) * log((ratio * n + stable_n) / base)
        for ratio in ratios
    ]


BETS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""The reference's bets on a tick's share of failures, as parts of the largest."""


def tick_bets(share: float, limit: float) -> list[float]:
    """Return the reference's log evidence of one tick's share against a mean of ``limit``."""
    return [log(1 + bet / limit * (share - limit)) for bet in BETS]


class _Mixture:
    """The reference's mixture over alternatives and start times; ``ticks`` is the horizon."""

    def __init__(self, size: int, ticks: int) -> None:
        self.parts, self.size, self.ticks, self.t = [0.5 / size] * size, size, ticks, 0

    def add(self, logs: Sequence[float]) -> float:
        fresh = 0.5 / self.size / self.ticks
        self.parts = [(s + fresh) * exp(v) for s, v in zip(self.parts, logs, strict=True)]
        self.t += 1
        return log(sum(self.parts) + 0.5 * (1 - self.t / self.ticks))


class ReferenceJudge:
    """The reference's burst-proof judge: the critical rate, and a ratio held down twice."""

    def __init__(self, ticks: int = 360) -> None:
        self.critical, self.floor = _Mixture(7, ticks), _Mixture(7, ticks)
        self.ratio, self.pods = _Mixture(12, ticks), _Mixture(12, ticks)

    def tick(
        self, *, x: float, n: float, stable_x: float, stable_n: float, bad: int, stable_bad: int,
        pods: int, stable_pods: int,
    ) -> float:  # fmt: skip
        """Return the log evidence after one tick; ``bad`` pods are those with a failure."""
        critical = self.critical.add(tick_bets(x / n, 0.1))
        floor = self.floor.add(tick_bets(x / n, 0.01))
        ratio = self.ratio.add(conditional_ratio(x, n, stable_x, stable_n, 1.5))
        by_pod = self.pods.add(conditional_ratio(bad, pods, stable_bad, stable_pods, 1.5))
        return log_mean([critical, min(floor, ratio, by_pod)])


def _log_beta(a: float, b: float, x: float | None) -> float:
    """Return the log of the beta function, incomplete up to x by the trapezium rule."""
    if x is None:
        return lgamma(a) + lgamma(b) - lgamma(a + b)
    t = np.linspace(0.0, x, 400_001)[1:-1]
    logs = (a - 1) * np.log(t) + (b - 1) * np.log1p(-t)
    top = float(logs.max())
    return top + log(float(np.exp(logs - top).sum()) * float(t[1] - t[0]))


def beta_binomial_log_mixture(
    s: float, v: float, v_opt: float, g: float, h: float, *, one_sided: bool
) -> float:
    """Return the sub-Bernoulli mixture supermartingale (Howard et al. 2021, proposition 7).

    ``s`` is the sum and ``v`` the intrinsic time, ``g`` and ``h`` the range; tuned for ``v_opt``
    and 5%.
    """
    z = log(1 / 0.1) if one_sided else log(1 / 0.05)
    rho = v_opt / (2 * z + log(1 + 2 * z))
    r = max(rho - g * h, 1e-3 * g * h)
    low, high = g * (g + h), h * (g + h)
    end = h / (g + h) if one_sided else None
    prior = _log_beta(r / low, r / high, end)
    posterior = _log_beta((r + v - g * s) / low, (r + v + h * s) / high, end)
    scale = v / (g * h) * log(g + h) - (v - g * s) / low * log(h) - (v + h * s) / high * log(g)
    return scale + posterior - prior


def bernoulli_interval(x: int, n: int, alpha: float, t_opt: float) -> tuple[float, float]:
    """Return confseq's confidence sequence for a mean at time n after x successes."""

    def excess(p: float, sign: int) -> float:
        g, h = (p, 1 - p) if sign > 0 else (1 - p, p)
        s, v = sign * (x - n * p), n * p * (1 - p)
        found = beta_binomial_log_mixture(s, v, t_opt * p * (1 - p), g, h, one_sided=False)
        return found - log(1 / alpha)

    lower = _root(lambda p: excess(p, 1), 1e-6, x / n)
    upper = _root(lambda p: excess(p, -1), 1 - 1e-6, x / n)
    return lower, upper


def _root(f: Callable[[float], float], outside: float, inside: float) -> float:
    """Return where f turns from positive (outside) to negative (inside), by bisection."""
    for _ in range(40):
        middle = (outside + inside) / 2
        outside, inside = (middle, inside) if f(middle) > 0 else (outside, middle)
    return (outside + inside) / 2


def multinomial_p_values(draws: NDArray[np.int64], null: Array, k: float = 100.0) -> Array:
    """Return the sequential p-values of Lindon and Malek (2022) for one-hot draws.

    The Dirichlet(k null) mixture's predictive probability of each draw over the null's.
    """
    counts = np.cumsum(draws, axis=0) - draws
    chosen = draws.argmax(axis=1)
    rows = np.arange(len(draws))
    predicted = (k * null[chosen] + counts[rows, chosen]) / (k * null.sum() + rows)
    p: Array = 1 / np.cumprod(predicted / null[chosen])
    return p


def repeated_test_size(looks: int, trials: int, seed: int) -> float:
    """Return how often a 5% normal test rejects a true null in ``looks`` equal looks."""
    rng = np.random.default_rng(seed)
    sums = rng.standard_normal((trials, looks)).cumsum(axis=1)
    z = np.abs(sums) / np.sqrt(np.arange(1, looks + 1))
    return float(np.mean((z > 1.959964).any(axis=1)))
