"""What speaks against the candidate: evidence, breakers, absence. Enough of it is a `Fail`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.core.judge.blocks import summed
from spark_operator.core.judge.hypotheses import ERROR_RATE, absolutes, comparisons
from spark_operator.core.judge.plan import Action
from spark_operator.core.judge.state import Recent
from spark_operator.core.judge.verdict import Evidence, Reason
from spark_operator.core.judge.watch import unavailable

if TYPE_CHECKING:
    from spark_operator.core.judge.hypotheses import Comparison, Hypothesis, Metric
    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.state import JudgeState

PRESENT_SECONDS = 60.0
"""A pod read within this time is one of the candidate's pods now."""

PODS_TO_SPARE = 3
"""From this many pods on, no single one may decide."""


def value(state: JudgeState, key: str) -> float:
    """Return an e-process: its parts, and the start capital not yet put to work."""
    return sum(state.rows.get(key, ())) + (1.0 - state.working) if key in state.rows else 1.0


def compared(state: JudgeState, h: Comparison) -> float:
    """Return the evidence of a comparison, held down by its guard and by each pod's absence.

    A pod is left out only when at least `PODS_TO_SPARE` are there: with fewer, no statistic
    can tell a bad pod from a bad version.
    """
    found = [value(state, h.name)]
    if h.guard:
        found.append(value(state, h.guard))
    present = [t.pod for t in state.candidate if state.at - t.at <= PRESENT_SECONDS]
    if h.spares and len(present) >= PODS_TO_SPARE:
        keys = (f"{h.name}/{pod}" for pod in present)
        found += [value(state, key) for key in keys if key in state.rows]
    return min(found)


def numbers(state: JudgeState, metric: Metric) -> Recent:
    """Return what is going on now: the fading counts and the open block."""
    old = state.recent.get(metric.name, Recent())
    n, x = summed(metric, state.block.candidate)
    stable_n, stable_x = summed(metric, state.block.stable)
    return Recent(old.n + n, old.x + x, old.stable_n + stable_n, old.stable_x + stable_x)


def evidence_of(state: JudgeState, h: Hypothesis, strength: float, needed: float) -> Evidence:
    """Return a hypothesis' numbers; `bound` is the evidence, `threshold` what it needs."""
    now = numbers(state, h.metric)
    return Evidence(
        metric=h.metric.name,
        n=now.n,
        value=now.x / now.n if now.n else 0.0,
        bound=min(strength, 1e12),
        threshold=needed,
        stable_value=now.stable_x / now.stable_n if now.stable_n else None,
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def sentence(e: Evidence) -> str:
    """Return the numbers of a share in words."""
    stable = "no traffic" if e.stable_value is None else _percent(e.stable_value)
    return f"{e.metric} {_percent(e.value)} of {e.n:.0f} lately (stable: {stable})"


def accusations(plan: JudgePlan, state: JudgeState) -> list[tuple[float, float, Hypothesis]]:
    """Return `(weight, e-value, hypothesis)` of all that leads to `Fail`, weights summing to 1."""
    found: list[tuple[float, float, Hypothesis]] = [
        (h.weight, compared(state, h), h) for h in comparisons(plan) if h.action is Action.ROLLBACK
    ]
    for h in absolutes(plan):
        if h.action is Action.ROLLBACK:
            # What stable breaches as well is shared; the larger process would not say so.
            strength = value(state, f"{h.name}:c")
            shared = value(state, f"{h.name}:s") * plan.alpha >= 1
            found.append((h.weight, 0.0 if shared else strength, h))
    total = sum(weight for weight, _, _ in found) or 1.0
    return [(weight / total, strength, h) for weight, strength, h in found]


def strength_of_all(plan: JudgePlan, state: JudgeState) -> float:
    """Return the evidence for a `Fail`: the weighted mean of its e-processes."""
    return sum(weight * strength for weight, strength, _ in accusations(plan, state))


def _accused(plan: JudgePlan, state: JudgeState) -> tuple[Reason, str, Evidence] | None:
    """Return why the evidence is enough for a `Fail`, or None."""
    found = accusations(plan, state)
    total = sum(weight * strength for weight, strength, _ in found)
    if total * plan.alpha < 1:
        return None
    weight, strength, h = max(found, key=lambda entry: entry[0] * entry[1])
    e = evidence_of(state, h, strength, 1 / (plan.alpha * weight))
    reason = h.reason
    if h.metric is ERROR_RATE and e.value > plan.error_rate_critical:
        reason = Reason.ERROR_RATE_CRITICAL
    return reason, f"{sentence(e)}; evidence {e.bound:.3g}, {e.threshold:.3g} needed", e


def _broken(plan: JudgePlan, state: JudgeState) -> tuple[Reason, str, Evidence] | None:
    """Return which breaker is open on the candidate only for too long, or None."""
    if plan.actions.breaker_open is not Action.ROLLBACK:
        return None
    limit = min(plan.breaker_open_candidate_only, plan.breaker_open_critical)
    for breaker in state.breakers:
        since = breaker.candidate_since
        if since is None or breaker.stable_since is not None or state.at - since < limit:
            continue
        seconds = state.at - since
        e = Evidence(
            metric="breakerOpen",
            n=seconds,
            value=seconds,
            bound=None,
            threshold=limit,
            stable_value=0.0,
        )
        name = breaker.provider
        return Reason.BREAKER_OPEN, f"breaker of {name} open for {seconds:.0f} s, not on stable", e
    return None


def _gone(plan: JudgePlan, state: JudgeState) -> tuple[Reason, str, Evidence] | None:
    if plan.actions.unavailable is not Action.ROLLBACK:
        return None
    why = unavailable(plan, state.presence)
    if not why:
        return None
    down = state.presence.down
    e = Evidence(
        metric="unavailableSeconds",
        n=down,
        value=down,
        bound=None,
        threshold=plan.unavailable_seconds,
    )
    return Reason.CANDIDATE_UNAVAILABLE, why, e


def latch(plan: JudgePlan, state: JudgeState) -> JudgeState:
    """Return the state with a `Fail` kept once its evidence was enough."""
    if state.failed is not None:
        return state
    found = _gone(plan, state) or _broken(plan, state) or _accused(plan, state)
    return state if found is None else replace(state, failed=found)
