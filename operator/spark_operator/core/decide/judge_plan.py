"""From the resource's analysis to the judge's plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.values import fraction, seconds
from spark_operator.core.judge import Action, JudgePlan, Mode, QueryRule, Sensitivity, plan_for

if TYPE_CHECKING:
    from spark_operator.api.spec import SparkDeploymentSpec


PATIENCE_SECONDS: Final = 10.0
"""How long a reading is good for, and how long absence is borne, where pods are read directly."""
LEAST_SHARE: Final = 0.0001
"""The smallest threshold that evidence can be weighed against, and one minus it the largest."""


def judge_plan(spec: SparkDeploymentSpec) -> JudgePlan:
    """The judge's plan: a named sensitivity with the user's thresholds.

    The horizon is the longest time the trial and its guard can last, so that evidence may begin at
    any moment of it.
    """
    analysis, canary = spec.analysis, spec.strategy.canary
    horizon = len(canary.steps) * seconds(canary.progress_deadline) + seconds(spec.guard.duration)
    source, waits = analysis.source.prometheus, {}
    if source:
        # Three scrapes may be late or lost before their absence says something.
        patience = max(PATIENCE_SECONDS, 3 * seconds(source.scrape_interval))
        waits = {"stale_seconds": patience, "unavailable_seconds": patience}
    return plan_for(
        Sensitivity(analysis.sensitivity),
        mode=Mode(analysis.mode),
        horizon_seconds=horizon,
        error_rate_warning=_share(analysis.error_rate.warning),
        error_rate_critical=_share(analysis.error_rate.critical),
        error_rate_success=_share(spec.verification.error_rate),
        latency_bound=seconds(analysis.latency_p95.warning),
        cache_hit_warning=_share(analysis.cache_hit_rate.warning),
        breaker_open_critical=seconds(analysis.breaker_open.critical),
        breaker_open_candidate_only=min(
            seconds(analysis.breaker_open.candidate_only), seconds(analysis.breaker_open.critical)
        ),
        queries=tuple(
            QueryRule(
                name=query.name,
                max=query.max,
                min=query.min,
                max_ratio=query.max_ratio,
                action=Action(query.action),
            )
            for query in analysis.queries
        ),
        **waits,
    )


def _share(percent: str) -> float:
    """Return a threshold inside the open interval from 0 to 1: at its ends no odds are defined."""
    return min(max(fraction(percent), LEAST_SHARE), 1.0 - LEAST_SHARE)
