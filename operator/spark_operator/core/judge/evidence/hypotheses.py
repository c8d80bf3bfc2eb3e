"""The table of hypotheses: what is counted, what it is compared with, what refuting it does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.eprocess import ABOVE, PRIOR, RATES, Null, rates_around
from spark_operator.core.judge.readings.deltas import CLIENT, ERRORS, LATENCY, latency_bounds
from spark_operator.core.judge.verdict import VerdictReason

if TYPE_CHECKING:
    from spark_operator.core.judge.plan import Action, JudgePlan
    from spark_operator.core.judge.readings.deltas import Vector


@dataclass(frozen=True, slots=True)
class Metric:
    """A share that is counted: a group of the vector, total first, then its failed parts."""

    name: str
    group: slice

    def count(self, vector: Vector) -> tuple[float, float]:
        """Return `(n, x)`: how many were counted, how many of them failed."""
        n, *parts = vector[self.group]
        return n, sum(parts)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One statement about the candidate that evidence may refute.

    Attributes:
        name: key of its rows in the state.
        metric: what is counted.
        action: what refuting it does.
        reason: what refuting it is called in a verdict.
        limit: the share that is not exceeded; for a comparison, where stable is idle.
        weight: its part of alpha, if refuting it leads to `Fail`.
        rates: the alternatives that are bet on.
        prior: how the start capital is split over them.
    """

    name: str
    metric: Metric
    action: Action
    reason: VerdictReason
    limit: float
    weight: float = 0.05
    rates: tuple[float, ...] = RATES
    prior: tuple[float, ...] = PRIOR


NO_WORSE = Null(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Comparison(Hypothesis):
    """A hypothesis about the candidate and stable over the same time.

    Attributes:
        null: what holds between the two.
        guard: the name of the fixed rate that must be exceeded too; empty if none.
        spares: evidence is also kept without each pod, so that no single one decides.
    """

    null: Null = NO_WORSE
    guard: str = ""
    spares: bool = False


ERROR_RATE = Metric("errorRate", ERRORS)
APP_ERROR_RATE = Metric("appErrorRate", slice(ERRORS.start, ERRORS.start + 2))
CLIENT_ERROR_RATE = Metric("clientErrorRate", CLIENT)


def _latency(place: int, bound: float) -> Metric:
    first = LATENCY + 2 * place
    return Metric(f"latencyOver{bound:g}s", slice(first, first + 2))


def _cache(plan: JudgePlan) -> Metric:
    first = LATENCY + 2 * len(latency_bounds(plan))
    return Metric("cacheMissRate", slice(first, first + 2))


def _absolute(
    name: str, metric: Metric, limit: float, action: Action, reason: VerdictReason
) -> Hypothesis:
    rates = rates_around(limit, ABOVE)
    prior = (1 / len(rates),) * len(rates)
    return Hypothesis(name, metric, action, reason, limit, rates=rates, prior=prior)


@lru_cache(maxsize=64)
def absolutes(plan: JudgePlan) -> tuple[Hypothesis, ...]:
    """Return the hypotheses about fixed thresholds; each is looked at on both sides."""
    act = plan.actions
    return (
        _absolute(
            "warn",
            ERROR_RATE,
            plan.error_rate_warning,
            act.error_rate_warning,
            VerdictReason.ERROR_RATE_WARNING,
        ),
        _absolute(
            "slow",
            _latency(0, plan.latency_bound),
            plan.latency_share,
            act.latency,
            VerdictReason.LATENCY_WARNING,
        ),
        _absolute(
            "miss",
            _cache(plan),
            1 - plan.cache_hit_warning,
            act.cache_hit,
            VerdictReason.CACHE_HIT_RATE_LOW,
        ),
    )


@lru_cache(maxsize=64)
def comparisons(plan: JudgePlan) -> tuple[Comparison, ...]:
    """Return the hypotheses about candidate and stable over the same time, `errors` first.

    `errors`: above a floor, the candidate is at most `ratio` times as bad as stable. `lead`:
    above the critical rate, it is no worse than stable at all. What both share never counts
    against the candidate.
    """
    act, limit = plan.actions, plan.error_rate_critical
    above, critical = VerdictReason.ERROR_RATE_ABOVE_STABLE, VerdictReason.ERROR_RATE_CRITICAL
    worse, wide = Null(plan.ratio, 0.0), Null(plan.ratio, plan.latency_share)
    rollback, client = act.error_rate_critical, act.client_errors
    errors = Comparison(
        "errors", ERROR_RATE, rollback, above, limit, 1.0, null=worse, guard="floor", spares=True
    )
    lead = Comparison("lead", ERROR_RATE, rollback, critical, limit, guard="critical", spares=True)
    clients = Comparison(
        "client",
        CLIENT_ERROR_RATE,
        client,
        VerdictReason.CLIENT_ERRORS_ABOVE_STABLE,
        1.0,
        null=Null(plan.ratio, 0.05),
        spares=True,
    )
    shifts = tuple(
        Comparison(
            f"shift{place}",
            _latency(place + 1, bound),
            act.latency_shift,
            VerdictReason.LATENCY_ABOVE_STABLE,
            1.0,
            null=wide,
        )
        for place, bound in enumerate(plan.latency_shift_bounds)
    )
    return (errors, lead, clients, *shifts)


@lru_cache(maxsize=64)
def guards(plan: JudgePlan) -> tuple[Hypothesis, ...]:
    """Return the fixed rates that a comparison must exceed as well, to mean anything.

    The smaller of two e-processes refutes that either hypothesis holds, without correction.
    """
    act, reason = plan.actions.error_rate_critical, VerdictReason.ERROR_RATE_CRITICAL
    return (
        Hypothesis("floor", ERROR_RATE, act, reason, plan.error_rate_success),
        Hypothesis("critical", ERROR_RATE, act, reason, plan.error_rate_critical),
    )


@lru_cache(maxsize=64)
def metrics(plan: JudgePlan) -> tuple[Metric, ...]:
    """Return every metric once."""
    found = {h.metric.name: h.metric for h in (*absolutes(plan), *comparisons(plan))}
    return (APP_ERROR_RATE, *found.values())
