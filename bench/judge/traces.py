"""Traffic for thousands of trials at once: how errors come, second by second.

A trace yields, for every second, the requests and failures of the candidate's and of stable's
pods, ``[trial, pod]`` each. Every trial is independent; a seed replays everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Second = tuple[float, Array, Array, Array, Array]


@dataclass(frozen=True)
class Load:
    """Who serves how much.

    Attributes:
        pods: of the candidate.
        stable_pods: of stable.
        rate: requests per second and pod, a whole number.
    """

    pods: int = 1
    stable_pods: int = 9
    rate: int = 1


class Errors(Protocol):
    """How many requests of each pod fail in a second."""

    def draw(self, rng: np.random.Generator, t: int, n: int, shape: tuple[int, int]) -> Array:
        """Return failures, ``[trial, pod]``, of ``n`` requests each in second ``t`` (from 1)."""


class Independent:
    """Each request fails on its own; the rate may change in time and differ by pod."""

    def __init__(
        self, rate: float, *, before: float | None = None, at: int = 0, sigma: float = 0.0
    ) -> None:
        """Prepare: ``before`` is the rate up to second ``at``; ``sigma`` spreads pods, mean 1."""
        self.rate, self.before, self.at, self.sigma = rate, before, at, sigma
        self.factor: Array | None = None

    def draw(self, rng: np.random.Generator, t: int, n: int, shape: tuple[int, int]) -> Array:
        """Return failures of independent requests."""
        rate = self.rate if self.before is None or t > self.at else self.before
        if self.sigma == 0:
            return rng.binomial(n, rate, shape).astype(float)
        if self.factor is None:
            self.factor = np.exp(rng.normal(-(self.sigma**2) / 2, self.sigma, shape))
        return rng.binomial(n, np.minimum(rate * self.factor, 1.0)).astype(float)


class Bursts:
    """Errors come in bursts: the next requests of the pod fail, geometrically many.

    A burst ends with its ``border`` (10 s): it stays inside a block of that length.
    """

    def __init__(self, rate: float, mean: float = 5.0, border: int | None = 10) -> None:
        self.rate, self.mean, self.border = rate, mean, border
        self.left: Array | None = None

    def draw(self, rng: np.random.Generator, t: int, n: int, shape: tuple[int, int]) -> Array:
        """Return failures of the bursts that are running."""
        if self.left is None or (self.border and (t - 1) % self.border == 0):
            self.left = np.zeros(shape)
        starts = rng.binomial(n, min(self.rate / self.mean, 1.0), shape)
        for _ in range(int(starts.max())):
            size = rng.geometric(1 / self.mean, shape)
            self.left = self.left + np.where(starts > 0, size, 0)
            starts = starts - 1
        failed = np.minimum(self.left, n)
        self.left = self.left - failed
        return failed


class Episodes:
    """A pod now and then fails half of its requests for a while; ``rate`` is the mean in all."""

    def __init__(self, rate: float, seconds: int, depth: float = 0.5) -> None:
        self.rate, self.seconds, self.depth = rate, seconds, depth
        self.until: Array | None = None

    def draw(self, rng: np.random.Generator, t: int, n: int, shape: tuple[int, int]) -> Array:
        """Return failures of the episodes that are running."""
        if self.until is None:
            self.until = np.zeros(shape)
        begins = rng.random(shape) < self.rate / self.depth / self.seconds
        self.until = np.where(begins, t + self.seconds - 1.0, self.until)
        return np.where(self.until >= t, rng.binomial(n, self.depth, shape), 0.0)


def trace(
    candidate: Errors, stable: Errors, load: Load, *, trials: int, seconds: int, seed: int
) -> Iterator[Second]:
    """Yield ``(t, n, x, n, x)`` for each second: the candidate's counts, then stable's."""
    rng = np.random.default_rng(seed)
    mine, theirs = (trials, load.pods), (trials, load.stable_pods)
    n_mine, n_theirs = np.full(mine, float(load.rate)), np.full(theirs, float(load.rate))
    for t in range(1, seconds + 1):
        x_mine = candidate.draw(rng, t, load.rate, mine)
        yield float(t), n_mine, x_mine, n_theirs, stable.draw(rng, t, load.rate, theirs)


class Outage(Independent):
    """Both sides fail at ``depth`` for a while, as when a provider is down."""

    def __init__(self, rate: float, depth: float, begin: int, seconds: int) -> None:
        super().__init__(rate)
        self.depth, self.begin, self.end = depth, begin, begin + seconds

    def draw(self, rng: np.random.Generator, t: int, n: int, shape: tuple[int, int]) -> Array:
        """Return failures, more of them during the outage."""
        rate = self.depth if self.begin <= t < self.end else self.rate
        return rng.binomial(n, rate, shape).astype(float)
