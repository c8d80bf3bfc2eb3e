"""What speaks against the candidate alone, short of proof: for a question asked from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.accusations import accusations, strength_of_all
from spark_operator.core.judge.plan import Action
from spark_operator.core.judge.readings.baseline import tuned
from spark_operator.core.judge.verdict import VerdictKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.state import JudgeState
    from spark_operator.core.judge.verdict import Verdict

LEANING = 10.0
"""Odds to 1 that a suspicion from outside needs on top; a proof alone needs ten times as much."""


def leaning(plan: JudgePlan, state: JudgeState, verdict: Verdict) -> str:
    """Return in words what the candidate fails at and stable does not; empty if nothing.

    Args:
        plan: the thresholds.
        state: what was seen so far.
        verdict: the verdict on this state; nothing shared or missing speaks against anybody.
    """
    if verdict.kind is VerdictKind.FAIL:
        return verdict.message
    if verdict.shared or verdict.kind is VerdictKind.NO_DATA:
        return ""
    plan = tuned(plan, state.baseline)
    total = strength_of_all(plan, state)
    if total >= LEANING:
        worst = max(accusations(plan, state), key=lambda a: a.weight * a.strength)
        return f"{worst.message}; evidence {min(total, 1e12):.3g} to 1, {LEANING:g} needed"
    return next(_signs(state, verdict), "")


def _signs(state: JudgeState, verdict: Verdict) -> Iterator[str]:
    """What needs no odds: breaches that hold, absence, breakers."""
    yield from (w.message for w in verdict.warnings if w.action is not Action.NOTIFY)
    if state.presence.cause:
        yield f"the candidate is not all there: {state.presence.cause}"
    for breaker in state.breakers:
        if breaker.candidate_since is not None and breaker.stable_since is None:
            yield f"the breaker of {breaker.provider} is open on the candidate only"
