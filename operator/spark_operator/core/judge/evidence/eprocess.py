"""Evidence that may be looked at at any time: e-values and their mixtures.

An e-process starts at 1 and its expectation is at most 1 while the null hypothesis holds, at
every stopping time; so the probability that it ever reaches 1/alpha is at most alpha (Ville).
Every observation here is an X in 0..1: one request (0 or 1), or one pod's share of failures in
one block. A bet `1 + slope * (X - center)` is linear in X, so only X's mean
matters, whatever its distribution (Waudby-Smith and Ramdas, 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CAP = 1e6
"""Evidence beyond this is thrown away: it decides nothing and would only outlive its cause."""

RATES = (0.04, 0.07, 0.12, 0.2, 0.35, 0.6, 0.95)
"""The candidate's means that a comparison bets on."""

PRIOR = (0.08, 0.12, 0.25, 0.2, 0.12, 0.1, 0.13)
"""How much of the start capital each of `RATES` gets; sums to 1."""

ABOVE = (0.5, 1.0, 2.0, 3.0, 4.5, 6.0)
"""Powers of 2 by which a fixed limit's odds grow to the rates bet on above it."""

BELOW = tuple(-step / 2 for step in range(1, 13))
"""The same for a `Pass`, below it."""

AT_START, EVENLY, AFTERWARDS = 0.55, 0.4, 0.05
"""How the start capital is spread over time: at once, over the horizon, after it."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Independent requests: each is one observation, 1 if it failed.

    Attributes:
        n: how many.
        x: how many failed, at most n.
    """

    n: float
    x: float

    @property
    def units(self) -> float:
        """Return the number of observations."""
        return self.n

    def log_bet(self, slope: float, center: float) -> float:
        """Return the log of the product of `1 + slope * (X - center)` over all requests."""
        return self.x * log(1 + slope * (1 - center)) + (self.n - self.x) * log(1 - slope * center)


@dataclass(frozen=True, slots=True)
class Shares:
    """One observation per pod and block, in 0..1, whatever happened inside the block."""

    values: tuple[float, ...]

    @property
    def units(self) -> float:
        """Return the number of observations."""
        return float(len(self.values))

    def log_bet(self, slope: float, center: float) -> float:
        """Return the log of the product of `1 + slope * (X - center)` over all pods."""
        return sum(log(1 + slope * (value - center)) for value in self.values)


Measured = Requests | Shares


def failing_samples(n: float, x: float, size: int) -> float:
    """Return the share of samples of `size` out of n requests that hold one of the x failures.

    Hypergeometric, as in rarefaction: it makes pods of different load comparable. For size 1 it
    is x / n; the larger the size, the more a single failure counts, and the less it matters how
    many came with it. Concave in the failure rate: a rate r times as high gives at most r times
    the share.
    """
    clean = 1.0
    for i in range(size):
        clean *= max(n - x - i, 0.0) / (n - i)
    return 1.0 - clean


def rates_around(limit: float, steps: Sequence[float]) -> tuple[float, ...]:
    """Return rates whose odds are 2^step times those of `limit`."""
    odds = [limit / (1 - limit) * 2**step for step in steps]
    return tuple(value / (1 + value) for value in odds)


def log_exceeds(seen: Measured, limit: float, rates: Sequence[float]) -> list[float]:
    """Return one log e-value per alternative rate, null hypothesis: the mean is <= `limit`.

    For independent requests each is the binomial likelihood ratio of the rate and the limit.
    A rate at or below the limit bets nothing.
    """
    if seen.units == 0:
        return [0.0] * len(rates)
    slopes = (max(rate - limit, 0.0) / (limit * (1 - limit)) for rate in rates)
    return [seen.log_bet(slope, limit) for slope in slopes]


@dataclass(frozen=True, slots=True)
class Null:
    """The hypothesis that the candidate's mean is at most `margin + ratio *` stable's."""

    ratio: float
    margin: float


def _boundary(null: Null, rate: float, stable: float, n: float, m: float) -> float:
    """Return stable's mean on the null's border that explains both sides best.

    It minimises `n KL(rate | margin + ratio b) + m KL(stable | b)`, exactly for margin 0. Any
    value is safe: it changes the power of the bet, never its validity.
    """
    r = null.ratio
    rest = max(rate - null.margin, 0.0)
    p = n * (rest + r) + m * (1 + r * stable)
    q = n * rest + m * stable
    return (p - sqrt(max(p * p - 4 * r * (n + m) * q, 0.0))) / (2 * r * (n + m))


def log_compares(
    candidate: Measured,
    stable: Measured,
    null: Null,
    expected: float,
    rates: Sequence[float],
) -> list[float]:
    """Return one log e-value per alternative rate of the candidate under `null`.

    Bets `+slope` on the candidate and `-slope * ratio * n / m` on stable. The product's
    expectation is at most `exp(slope * n * (p - margin - ratio * s))`, which is <= 1 for all
    means p of the candidate and s of stable under the null, however they move together: a
    failure that both share cancels. Generalises the two-sample e-value of Turner, Ly and
    Grunwald (2024) to bounded observations and an affine null.

    Args:
        candidate: the candidate's block.
        stable: stable's block, over the same time.
        null: the hypothesis to be refuted.
        expected: stable's mean, estimated from earlier blocks only.
        rates: alternative means of the candidate.
    """
    n, m = candidate.units, stable.units
    if n == 0 or m == 0:
        return [0.0] * len(rates)
    result = []
    for rate in rates:
        center_s = _boundary(null, rate, expected, n, m)
        center_c = null.margin + null.ratio * center_s
        if rate <= center_c or center_c >= 1:
            result.append(0.0)
            continue
        slope = (rate - center_c) / (center_c * (1 - center_c))
        slope = min(slope, 0.98 / center_c, 0.98 * m / (null.ratio * n * (1 - center_s)))
        down = -slope * null.ratio * n / m
        result.append(candidate.log_bet(slope, center_c) + stable.log_bet(down, center_s))
    return result


def released(seconds: float, horizon: float) -> float:
    """Return the share of the start capital that has been put to work after `seconds`.

    Some works from the start; some is spread evenly over the horizon, so that an hour of health
    does not bury what comes later; a little is left for the time after it.
    """
    if seconds <= horizon:
        return AT_START + EVENLY * max(seconds, 0.0) / horizon
    return 1.0 - AFTERWARDS * horizon / seconds


def grow(
    row: Sequence[float], logs: Sequence[float], fresh: float, prior: Sequence[float]
) -> tuple[float, ...]:
    """Return the mixture's parts after one block.

    Args:
        row: the parts before the block, one per alternative.
        logs: the block's log e-values, one per alternative.
        fresh: the share of the start capital that begins with this block.
        prior: how the capital is split over the alternatives.
    """
    parts = [
        (part + fresh * share) * exp(min(value, 60.0))
        for part, value, share in zip(row, logs, prior, strict=True)
    ]
    scale = min(1.0, CAP / max(sum(parts), 1.0))
    return tuple(part * scale for part in parts)


def log_passes(n: float, x: float, limit: float) -> float:
    """Return the log evidence against a rate of `limit` or more, from n requests, x failed.

    A mixture of binomial likelihood ratios over rates below the limit, from one fixed start.
    """
    logs = [
        Requests(n, x).log_bet((r - limit) / (limit * (1 - limit)), limit)
        for r in rates_around(limit, BELOW)
    ]
    top = max(logs)
    return top + log(sum(exp(value - top) for value in logs) / len(logs))


def lower_bound(n: float, x: float, alpha: float) -> float:
    """Return a lower confidence bound of a rate after x of n failed (Chernoff's, at 1 - alpha).

    The largest p below x / n with `n * KL(x / n | p) >= log(1 / alpha)`; for showing, not for
    deciding.
    """
    if n <= 0 or x <= 0:
        return 0.0
    share, low, high = min(x / n, 1.0), 0.0, min(x / n, 1.0)
    for _ in range(40):
        p = (low + high) / 2
        divergence = share * log(share / p) if p > 0 else inf
        if share < 1:
            divergence += (1 - share) * log((1 - share) / (1 - p))
        low, high = (p, high) if n * divergence >= log(1 / alpha) else (low, p)
    return low
