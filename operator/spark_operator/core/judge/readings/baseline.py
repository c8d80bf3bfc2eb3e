"""How one release's errors come: what is learned on it before it is the one compared with.

Errors that come in bursts or episodes, and pods that differ, break a test for independent
errors. How much they do is measured on the release while it is watched (its trial and guard),
and used in the next trial, where it is stable: never in the same one, because a test that
adapts to the data it judges promises nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, inf, log1p, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.readings.deltas import Delta

SCALES = (10.0, 40.0, 160.0)
"""Lengths of the windows in which a pod's failures are counted, seconds."""

MOST_PODS = 16
"""Pods that are learned from."""

FEWEST_FAILURES = 20.0
"""With fewer failures nothing can be said about how they come."""

FEWEST_YOUNG = 50.0
"""With fewer requests of young pods nothing can be said about their warm-up."""

INDEPENDENT = 1.5
"""Dispersion up to which errors count as independent; it is 1 if they are."""

LONGER = 1.5
"""If the dispersion's excess grows more than this from one scale to the next, errors hang
together for longer than the shorter one."""

WORST_POD = 2.33
"""Standard deviations to the worst pod in a hundred."""


@dataclass(frozen=True, slots=True)
class PodWindow:
    """One pod's counts at one scale: the open window, and sums over the closed ones."""

    n: float = 0.0
    x: float = 0.0
    xx: float = 0.0
    nx: float = 0.0
    nn: float = 0.0
    closed_n: float = 0.0
    closed: float = 0.0

    def plus(self, n: float, x: float) -> PodWindow:
        """Return the window with more counts in it."""
        return PodWindow(
            self.n + n, self.x + x, self.xx, self.nx, self.nn, self.closed_n, self.closed
        )

    def close(self) -> PodWindow:
        """Return the sums with the open window in them, and an empty window."""
        if self.n == 0:
            return self
        n, x = self.n, self.x
        return PodWindow(
            0.0,
            0.0,
            self.xx + x * x,
            self.nx + n * x,
            self.nn + n * n,
            self.closed_n + n,
            self.closed + 1,
        )

    def excess(self, rate: float) -> float:
        """Return the sum of squared deviations from `rate` times the window's requests."""
        return max(self.xx - 2 * rate * self.nx + rate * rate * self.nn, 0.0)


@dataclass(frozen=True, slots=True)
class PodHabit:
    """What one pod did since it was first watched, without its warm-up.

    Attributes:
        pod: UID.
        n: requests.
        x: failures.
        n_now: requests that are in no window yet.
        x_now: failures among them.
        windows: one per scale.
    """

    pod: str
    n: float = 0.0
    x: float = 0.0
    n_now: float = 0.0
    x_now: float = 0.0
    windows: tuple[PodWindow, ...] = (PodWindow(),) * len(SCALES)


@dataclass(frozen=True, slots=True)
class Habit:
    """What is being learned about one side.

    Attributes:
        opened: when the open window of each scale began, Unix seconds.
        young_n: requests of pods that were warming up.
        young_x: failures among them.
        pods: by pod.
    """

    opened: tuple[float, ...]
    young_n: float = 0.0
    young_x: float = 0.0
    pods: tuple[PodHabit, ...] = ()


def learn(plan: JudgePlan, habit: Habit, found: Sequence[Delta], now: float) -> Habit:
    """Return the habit after one more look."""
    pods = {pod.pod: pod for pod in habit.pods}
    young_n, young_x = habit.young_n, habit.young_x
    for delta in found:
        n, app, provider = delta.vector[:3]
        x = app + provider
        if delta.age < plan.warm_up_seconds:
            young_n, young_x = young_n + n, young_x + x
        elif delta.pod in pods or len(pods) < MOST_PODS:
            old = pods.get(delta.pod) or PodHabit(delta.pod)
            pods[delta.pod] = PodHabit(
                old.pod, old.n + n, old.x + x, old.n_now + n, old.x_now + x, old.windows
            )
    due = [now - opened >= scale for opened, scale in zip(habit.opened, SCALES, strict=True)]
    if not due[0]:
        return Habit(habit.opened, young_n, young_x, tuple(pods.values()))
    opened = tuple(now if d else at for d, at in zip(due, habit.opened, strict=True))
    return Habit(opened, young_n, young_x, tuple(_closed(pod, due) for pod in pods.values()))


def _closed(pod: PodHabit, due: Sequence[bool]) -> PodHabit:
    """Return the pod with its latest counts in every window, and the due windows closed."""
    full = [window.plus(pod.n_now, pod.x_now) for window in pod.windows]
    windows = tuple(w.close() if d else w for w, d in zip(full, due, strict=True))
    return PodHabit(pod.pod, pod.n, pod.x, 0.0, 0.0, windows)


@dataclass(frozen=True, slots=True)
class Baseline:
    """How a release's errors come.

    Attributes:
        failures: how many were seen.
        rate: their share of requests.
        dispersion: variance of a pod's failures per window over that of independent ones, one
            upper bound (two standard errors) per scale in `SCALES`.
        spread: standard deviation of the logarithm of pods' rates.
        young_n: requests of pods that were warming up.
        young_x: failures among them.
    """

    failures: float
    rate: float
    dispersion: tuple[float, ...]
    spread: float
    young_n: float = 0.0
    young_x: float = 0.0


def summary(habit: Habit) -> Baseline:
    """Return what was learned."""
    n, x = sum(pod.n for pod in habit.pods), sum(pod.x for pod in habit.pods)
    rate = x / n if n else 0.0
    found = tuple(_dispersion(habit.pods, place) for place in range(len(SCALES)))
    return Baseline(
        x, rate, found, _spread(habit.pods, rate, found[-1]), habit.young_n, habit.young_x
    )


def _dispersion(pods: Sequence[PodHabit], place: int) -> float:
    """Return the upper bound of the dispersion at a scale; inf if nothing is known.

    Each pod is measured against its own rate, so that uneven pods do not look like bursts.
    For independent rare failures the estimate's variance is (2 + 1/m) / w, with w windows of m
    expected failures.
    """
    excess = expected = windows = 0.0
    for pod in pods:
        window, rate = pod.windows[place], pod.x / pod.n if pod.n else 0.0
        excess += window.excess(rate)
        expected += window.closed_n * rate * (1 - rate)
        windows += window.closed
    if expected <= 0 or windows < 2:
        return inf
    error = sqrt((2 + windows / expected) / windows)
    return excess / expected + 2 * error


def _spread(pods: Sequence[PodHabit], rate: float, dispersion: float) -> float:
    """Return the spread of pods' rates beyond what their own dispersion explains."""
    if len(pods) < 3 or rate <= 0 or dispersion == inf:
        return 0.0
    mean = sum(pod.n for pod in pods) * rate / len(pods)
    squares = sum((pod.x - pod.n * rate) ** 2 / (pod.n * rate) for pod in pods if pod.n > 0)
    over = squares / (len(pods) - 1) - max(dispersion, 1.0)
    return sqrt(log1p(max(over, 0.0) / mean))


def length(baseline: Baseline) -> float:
    """Return for how long errors hang together, seconds: 0, or one of `SCALES`."""
    excess = [value - 1.0 for value in baseline.dispersion]
    if max(excess) < INDEPENDENT - 1.0:
        return 0.0
    for here, following, scale in zip(excess, excess[1:], SCALES, strict=False):
        if following < LONGER * max(here, INDEPENDENT - 1.0):
            return scale
    return SCALES[-1]


@lru_cache(maxsize=64)
def tuned(plan: JudgePlan, baseline: Baseline | None) -> JudgePlan:
    """Return the plan as stable's past asks for it; unchanged if that says too little.

    The block becomes as long as errors hang together, between the preset's and its
    `longest_block_seconds`; errors that do not hang together are counted one by one if the
    preset trusts history. The ratio grows to what the worst pod in a hundred would show.
    """
    if baseline is None or plan.longest_block_seconds <= 0:
        return plan
    plan = replace(plan, warm_up_error_rate=_warm_up(plan, baseline))
    if baseline.failures < FEWEST_FAILURES or baseline.rate <= 0:
        return plan
    worst = exp(WORST_POD * baseline.spread - baseline.spread**2 / 2)
    plan = replace(plan, ratio=max(plan.ratio, min(worst, 10.0)))
    seconds = length(baseline)
    if seconds == 0 and plan.trusts_history:
        return replace(plan, independent=True, block_seconds=0.0, block_requests=None)
    if seconds <= plan.block_seconds:
        return plan
    longest = min(seconds, plan.longest_block_seconds)
    return replace(plan, block_seconds=longest, block_requests=None)


def _warm_up(plan: JudgePlan, baseline: Baseline) -> float:
    """Return what a warming pod may fail at: three times what stable's did, within bounds."""
    if baseline.young_n < FEWEST_YOUNG:
        return plan.warm_up_error_rate
    rate = 3 * (baseline.young_x + 1) / baseline.young_n
    return min(max(rate, plan.error_rate_success), 0.5)
