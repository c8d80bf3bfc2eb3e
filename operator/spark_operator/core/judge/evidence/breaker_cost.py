"""What an open breaker costs users: a service with a second provider may lose nobody an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.judge.breakers import (
    ENOUGH_CALLS,
    is_on_candidate_only,
    was_open_on_stable,
)
from spark_operator.core.judge.evidence.blocks import expected, is_idle
from spark_operator.core.judge.evidence.eprocess import lower_bound
from spark_operator.core.judge.evidence.hypotheses import ERROR_RATE, absolutes, comparisons
from spark_operator.core.judge.verdict import Evidence, VerdictReason

if TYPE_CHECKING:
    from spark_operator.core.judge.evidence.hypotheses import Metric
    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.state import BreakerTimes, JudgeState

LATENCY = frozenset({VerdictReason.LATENCY_WARNING, VerdictReason.LATENCY_ABOVE_STABLE})


def cost_of(plan: JudgePlan, state: JudgeState, breaker: BreakerTimes) -> str:
    """Return in words what users lose while the breaker is open; empty if nothing is shown.

    Failures or slow answers of the candidate since it opened, above stable's in the same time.
    """
    if not breaker.mine:
        return ""
    stable = max(_share(ERROR_RATE, breaker), expected(state, ERROR_RATE))
    found = _exceeds(plan, breaker, ERROR_RATE, max(plan.error_rate_success, plan.ratio * stable))
    if found:
        return f"{found} failed"
    for h in (*absolutes(plan), *comparisons(plan)):
        if h.reason in LATENCY:
            bound = plan.latency_share + plan.ratio * _share(h.metric, breaker)
            found = _exceeds(plan, breaker, h.metric, bound)
            if found:
                return f"{found} were slow ({h.metric.name})"
    return ""


def _share(metric: Metric, breaker: BreakerTimes) -> float:
    """Return stable's share since the candidate's breaker opened."""
    n, x = metric.count(breaker.theirs) if breaker.theirs else (0.0, 0.0)
    return x / n if n else 0.0


def _exceeds(plan: JudgePlan, breaker: BreakerTimes, metric: Metric, bound: float) -> str:
    n, x = metric.count(breaker.mine)
    return f"{x:.0f} of {n:.0f} requests" if lower_bound(n, x, plan.alpha) > bound else ""


def not_comparable(state: JudgeState, breaker: BreakerTimes) -> str:
    """Return why an open breaker says nothing about the release; empty if it does, or is shared."""
    now = state.at
    if was_open_on_stable(breaker, now) or is_on_candidate_only(breaker, now):
        return ""
    if is_idle(state, now):
        return "the release beside it serves nobody"
    if breaker.asked < ENOUGH_CALLS:
        return f"the release beside it made {breaker.asked:.0f} calls of this provider meanwhile"
    return "the release beside it had trouble with this provider just before"


def open_evidence(plan: JudgePlan, breaker: BreakerTimes) -> Evidence:
    """Return an open breaker's numbers."""
    return Evidence(
        metric="breakerOpen",
        n=breaker.seconds,
        value=breaker.seconds,
        bound=None,
        threshold=min(plan.breaker_open_candidate_only, plan.breaker_open_critical),
        stable_value=None,
    )
