"""The judge's error-rate evidence for thousands of trials at once, in numpy.

The same arithmetic as `spark_operator.core.judge`, vectorised over trials; a property test
holds the two equal. Only what the simulations need: failure rates; there is no latency, cache,
breaker or absence, and no 4xx (whose hypothesis takes part all the same).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spark_operator.core.judge.evidence.accusations import PODS_TO_SPARE
from spark_operator.core.judge.evidence.blocks import (
    FAILING_SAMPLES,
    MOST_SAMPLED,
    STABLE_FADE_SECONDS,
)
from spark_operator.core.judge.evidence.eprocess import CAP, released
from spark_operator.core.judge.evidence.hypotheses import comparisons, guards

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spark_operator.core.judge.evidence.hypotheses import Comparison, Hypothesis
    from spark_operator.core.judge.plan import JudgePlan

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass
class Pods:
    """One side's open block: requests and failures, `[trial, pod]` each."""

    n: Array
    x: Array

    @classmethod
    def none(cls, trials: int, pods: int) -> Pods:
        """Return an empty block."""
        return cls(np.zeros((trials, pods)), np.zeros((trials, pods)))

    def take(self, who: Mask) -> Pods:
        """Return the block of some trials."""
        return Pods(self.n[who], self.x[who])

    def without(self, pod: int) -> Pods:
        """Return the block of all pods but one."""
        return Pods(np.delete(self.n, pod, 1), np.delete(self.x, pod, 1))


@dataclass
class Requests:
    """Independent requests, `[trial]` each."""

    n: Array
    x: Array

    @property
    def units(self) -> Array:
        """Return the number of observations."""
        return self.n

    def log_bet(self, slope: Array, center: Array) -> Array:
        """Return `[trial, rate]`, the log of the product of `1 + slope * (X - center)`."""
        n, x = self.n[:, None], self.x[:, None]
        return x * np.log1p(slope * (1 - center)) + (n - x) * np.log1p(-slope * center)


@dataclass
class Shares:
    """One observation per pod and block, `[trial, pod]`; `used` says which there are."""

    values: Array
    used: Mask

    @property
    def units(self) -> Array:
        """Return the number of observations."""
        count: Array = np.sum(self.used, axis=1, dtype=np.float64)
        return count

    def log_bet(self, slope: Array, center: Array) -> Array:
        """Return `[trial, rate]`, the log of the product of `1 + slope * (X - center)`."""
        total = np.zeros_like(slope)
        for pod in range(self.values.shape[1]):
            bet = np.log1p(slope * (self.values[:, pod, None] - center))
            total += np.where(self.used[:, pod, None], bet, 0.0)
        return total


def seen(plan: JudgePlan, pods: Pods) -> Requests | Shares:
    """Return a block as observations of the failure rate."""
    if plan.independent:
        return Requests(pods.n.sum(1), pods.x.sum(1))
    used = pods.n > 0
    return Shares(np.divide(pods.x, pods.n, out=np.zeros_like(pods.x), where=used), used)


def sampled(pods: Pods, size: Array) -> Shares:
    """Return a block as observations of samples with a failure in them."""
    clean = np.ones_like(pods.n)
    for i in range(int(size.max())):
        left = np.maximum(pods.n - pods.x - i, 0) / np.maximum(pods.n - i, 1)
        clean *= np.where(i < size[:, None], left, 1.0)
    return Shares(1.0 - clean, pods.n >= size[:, None])


def log_exceeds(found: Requests | Shares, limit: Array, rates: Array) -> Array:
    """Return `[trial, rate]`; see the judge's function of the same name."""
    limit = np.broadcast_to(limit[:, None], (len(limit), len(rates)))
    return found.log_bet(np.maximum(rates - limit, 0.0) / (limit * (1 - limit)), limit)


def log_compares(
    mine: Requests | Shares, theirs: Requests | Shares, h: Comparison, expected: Array
) -> Array:
    """Return `[trial, rate]`; see the judge's function of the same name."""
    r, margin, rates = h.null.ratio, h.null.margin, np.array(h.rates)
    n, m, s = mine.units[:, None], theirs.units[:, None], expected[:, None]
    empty = (n == 0) | (m == 0)
    n, m = np.where(empty, 1.0, n), np.where(empty, 1.0, m)
    rest = np.maximum(rates - margin, 0.0)
    p = n * (rest + r) + m * (1 + r * s)
    q = n * rest + m * s
    b = (p - np.sqrt(np.maximum(p * p - 4 * r * (n + m) * q, 0.0))) / (2 * r * (n + m))
    a = margin + r * b
    void = (rates <= a) | (a >= 1) | empty
    a = np.where(void, 0.5, a)
    slope = np.where(void, 0.0, (rates - a) / (a * (1 - a)))
    slope = np.minimum(slope, np.minimum(0.98 / a, 0.98 * m / (r * n * (1 - b))))
    return mine.log_bet(slope, a) + theirs.log_bet(-slope * r * n / m, b)


class Twin:
    """Judges many trials with the same pods and the same ticks.

    Attributes:
        failed_at: when each trial's `Fail` came, in seconds since its start; NaN before.
    """

    def __init__(
        self, plan: JudgePlan, trials: int, pods: int, stable_pods: int, young_until: float = 0.0
    ) -> None:
        self.plan, self.pods, self.young_until = plan, pods, young_until
        self.comparisons = [h for h in comparisons(plan) if h.name in {"errors", "lead", "client"}]
        self.guards = guards(plan)
        parts = len(self.guards[0].rates)
        self.rows = {h.name: np.zeros((trials, parts)) for h in (*self.comparisons, *self.guards)}
        self.spared = {h.name: np.zeros((trials, pods, parts)) for h in self.comparisons}
        self.failing = np.zeros((trials, pods), bool)
        self.working, self.since = np.zeros(trials), np.zeros(trials)
        self.recent_n, self.recent_x = np.zeros(trials), np.zeros(trials)
        self.mine = Pods.none(trials, pods)
        self.theirs = Pods.none(trials, stable_pods)
        self.failed_at = np.full(trials, np.nan)

    def tick(self, t: float, n_c: Array, x_c: Array, n_s: Array, x_s: Array) -> None:
        """Take one tick's increases, `[trial, pod]` each, at `t` seconds into the trial."""
        for block, n, x in ((self.mine, n_c, x_c), (self.theirs, n_s, x_s)):
            block.n += n
            block.x += x
        full = t - self.since >= self.plan.block_seconds
        if self.plan.block_requests is not None:
            full |= self.mine.n.max(1) >= self.plan.block_requests
        full &= np.isnan(self.failed_at)
        if full.any():
            self._close(t, full)

    def _logs(self, h: Comparison, mine: Pods, theirs: Pods, expected: Array) -> Array:
        if h.name == "client":
            mine, theirs = Pods(mine.n, 0 * mine.x), Pods(theirs.n, 0 * theirs.x)
        if self.plan.independent:
            return log_compares(seen(self.plan, mine), seen(self.plan, theirs), h, expected)
        most = np.minimum(mine.n.max(1), theirs.n.max(1))
        most = np.where(most > 0, np.floor(most), 1.0)
        size = np.minimum(np.round(FAILING_SAMPLES / expected), np.minimum(most, MOST_SAMPLED))
        size = np.maximum(size, 1.0)
        return log_compares(
            sampled(mine, size), sampled(theirs, size), h, 1 - (1 - expected) ** size
        )

    def _grow(self, rows: Array, logs: Array, fresh: Array, h: Hypothesis) -> Array:
        grown = (rows + fresh[:, None] * np.array(h.prior)) * np.exp(np.minimum(logs, 60.0))
        scaled: Array = grown * np.minimum(1.0, CAP / np.maximum(grown.sum(1), 1.0))[:, None]
        return scaled

    def _close(self, t: float, full: Mask) -> None:
        mine, theirs = self.mine.take(full), self.theirs.take(full)
        fresh = released(t, self.plan.horizon_seconds) - self.working[full]
        expected = (self.recent_x[full] + 0.5) / (self.recent_n[full] + 100.0)
        expected = np.clip(expected, 0.002, 0.5)
        if self.pods >= PODS_TO_SPARE:
            self._spare(full, expected, fresh)
        for h in self.comparisons[:2]:
            logs = self._logs(h, mine, theirs, expected)
            self.rows[h.name][full] = self._grow(self.rows[h.name][full], logs, fresh, h)
        self._client(full, mine, theirs, fresh)
        young = self.since[full] + 1 < self.young_until
        for g in self.guards:
            limit = np.where(young, max(g.limit, self.plan.warm_up_error_rate), g.limit)
            logs = log_exceeds(seen(self.plan, mine), limit, np.array(g.rates))
            self.rows[g.name][full] = self._grow(self.rows[g.name][full], logs, fresh, g)
        self._open(t, full, theirs)
        self.failed_at[full & (self.evidence() * self.plan.alpha >= 1)] = t

    def _client(self, full: Mask, mine: Pods, theirs: Pods, fresh: Array) -> None:
        """Grow the rows of 4xx: without any, all trials with the same requests are alike."""
        h, first = self.comparisons[2], np.arange(len(fresh)) == 0
        rate = np.clip(0.5 / (self.recent_n[full][:1] + 100.0), 0.002, 0.5)
        logs = self._logs(h, mine.take(first), theirs.take(first), rate)
        self.rows[h.name][full] = self._grow(self.rows[h.name][full], logs, fresh, h)

    def _open(self, t: float, full: Mask, theirs: Pods) -> None:
        self.working[full] = released(t, self.plan.horizon_seconds)
        keep = np.exp(-(t - self.since[full]) / STABLE_FADE_SECONDS)
        self.recent_n[full] = self.recent_n[full] * keep + theirs.n.sum(1)
        self.recent_x[full] = self.recent_x[full] * keep + theirs.x.sum(1)
        self.since[full] = t
        for side in (self.mine, self.theirs):
            side.n[full] = 0
            side.x[full] = 0

    def _spare(self, full: Mask, expected: Array, fresh: Array) -> None:
        """Grow the rows without one pod each; a pod's own begin when it first fails."""
        mine, theirs, before = self.mine.take(full), self.theirs.take(full), self.failing[full]
        for h in self.comparisons[:2]:
            common, spared = self.rows[h.name][full], self.spared[h.name][full]
            for pod in range(self.pods):
                old = np.where(before[:, pod, None], spared[:, pod], common)
                logs = self._logs(h, mine.without(pod), theirs, expected)
                spared[:, pod] = self._grow(old, logs, fresh, h)
            self.spared[h.name][full] = spared
        self.failing[full] = before | (mine.x > 0)

    def _value(self, h: Comparison) -> Array:
        rest = 1.0 - self.working
        value: Array = self.rows[h.name].sum(1) + rest
        if h.guard:
            value = np.minimum(value, self.rows[h.guard].sum(1) + rest)
        if self.pods >= PODS_TO_SPARE and h.name != "client":
            without = self.spared[h.name].sum(2) + rest[:, None]
            value = np.minimum(value, np.where(self.failing, without, np.inf).min(1))
        return value

    def evidence(self) -> Array:
        """Return the evidence for a `Fail`, `[trial]`."""
        weights = sum(h.weight for h in self.comparisons)
        total: Array = np.sum([h.weight * self._value(h) for h in self.comparisons], axis=0)
        return total / weights
