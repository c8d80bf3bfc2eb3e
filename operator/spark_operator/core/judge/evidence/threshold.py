"""The classic way: one check per interval against the critical rate, and counted outcomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.hypotheses import ERROR_RATE
from spark_operator.core.judge.state import Checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.readings.deltas import Delta


def _count(found: Sequence[Delta]) -> tuple[float, float]:
    counts = [ERROR_RATE.count(delta.vector) for delta in found]
    return sum(n for n, _ in counts), sum(x for _, x in counts)


def check(
    plan: JudgePlan,
    checks: Checks,
    mine: Sequence[Delta],
    theirs: Sequence[Delta],
    now: float,
) -> Checks:
    """Return the checks after one more look.

    An interval without requests is no check. One in which stable breaches the threshold too is
    none either: what both share is not blamed on the candidate.
    """
    n, x = _count(mine)
    stable_n, stable_x = _count(theirs)
    checks = replace(
        checks,
        n=checks.n + n,
        x=checks.x + x,
        stable_n=checks.stable_n + stable_n,
        stable_x=checks.stable_x + stable_x,
    )
    if now - checks.since < plan.threshold.interval_seconds:
        return checks
    fresh = Checks(now, failed=checks.failed, passed=checks.passed)
    limit = plan.error_rate_critical
    if checks.n == 0 or checks.stable_x > limit * checks.stable_n:
        return fresh
    if checks.x > limit * checks.n:
        return replace(fresh, failed=checks.failed + 1)
    return replace(fresh, passed=checks.passed + 1)
