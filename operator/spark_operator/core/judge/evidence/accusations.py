"""What speaks against the candidate: evidence, breakers, absence. Enough of it is a `Fail`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.blocks import summed
from spark_operator.core.judge.evidence.eprocess import lower_bound
from spark_operator.core.judge.evidence.hypotheses import (
    ERROR_RATE,
    Comparison,
    absolutes,
    comparisons,
    guards,
)
from spark_operator.core.judge.evidence.queries import strength
from spark_operator.core.judge.plan import Action, Mode
from spark_operator.core.judge.presence import unavailable
from spark_operator.core.judge.state import Recent
from spark_operator.core.judge.verdict import Evidence, VerdictReason

if TYPE_CHECKING:
    from spark_operator.core.judge.evidence.hypotheses import Hypothesis, Metric
    from spark_operator.core.judge.plan import JudgePlan, QueryRule
    from spark_operator.core.judge.state import JudgeState, QueryBlock

PRESENT_SECONDS = 60.0
"""A pod read within this time is one of the candidate's pods now."""

PODS_TO_SPARE = 3
"""From this many pods on, no single one may decide."""

QUERY_WEIGHT = 0.05
"""A user query's part of alpha."""


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


def evidence_of(plan: JudgePlan, state: JudgeState, h: Hypothesis, strength: float) -> Evidence:
    """Return a hypothesis' numbers as they are now.

    `bound` is the rate's lower confidence bound and `threshold` the rate that is refuted.
    """
    now = numbers(state, h.metric)
    stable = now.stable_x / now.stable_n if now.stable_n else None
    limit = h.limit
    if isinstance(h, Comparison) and stable is not None:
        floor = next((g.limit for g in guards(plan) if g.name == h.guard), 0.0)
        limit = max(floor, h.null.margin + h.null.ratio * stable)
    return Evidence(
        metric=h.metric.name,
        n=now.n,
        value=now.x / now.n if now.n else 0.0,
        bound=lower_bound(now.n, now.x, plan.alpha),
        threshold=limit,
        stable_value=stable,
        strength=min(strength, 1e12),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def sentence(e: Evidence) -> str:
    """Return the numbers of a share in words."""
    stable = "no traffic" if e.stable_value is None else _percent(e.stable_value)
    return f"{e.metric} {_percent(e.value)} of {e.n:.0f} lately (stable: {stable})"


@dataclass(frozen=True, slots=True)
class Accusation:
    """One e-process that leads to `Fail`: its part of alpha, and what it says."""

    weight: float
    strength: float
    reason: VerdictReason
    message: str
    evidence: Evidence


def of_query(state: JudgeState, rule: QueryRule, block: QueryBlock) -> Accusation:
    """Return what a user query says."""
    above = rule.max is not None
    shown = block.value if block.value is not None else 0.0
    force = strength(state.queries, block)
    e = Evidence(
        metric=rule.name,
        n=state.queries.since - state.started_at,
        value=shown,
        bound=None,
        threshold=(rule.max if above else rule.min) or 0.0,
        stable_value=block.stable_value,
        strength=min(force, 1e12),
    )
    text = f"{rule.name} is {shown:.6g}, out of its bounds for most of the time"
    return Accusation(QUERY_WEIGHT, force, VerdictReason.QUERY_OUT_OF_BOUNDS, text, e)


def _of(plan: JudgePlan, state: JudgeState, h: Hypothesis, force: float) -> Accusation:
    e = evidence_of(plan, state, h, force)
    reason = h.reason
    if h.metric is ERROR_RATE and e.value > plan.error_rate_critical:
        reason = VerdictReason.ERROR_RATE_CRITICAL
    return Accusation(h.weight, force, reason, sentence(e), e)


def accusations(plan: JudgePlan, state: JudgeState) -> list[Accusation]:
    """Return all that leads to `Fail`; where stable breaches a threshold too, nothing does."""
    found = [
        _of(plan, state, h, compared(state, h))
        for h in comparisons(plan)
        if h.action is Action.ROLLBACK
    ]
    for h in absolutes(plan):
        if h.action is Action.ROLLBACK:
            shared = value(state, f"{h.name}:s") * plan.alpha >= 1
            found.append(_of(plan, state, h, 0.0 if shared else value(state, f"{h.name}:c")))
    rules = {rule.name: rule for rule in plan.queries if rule.action is Action.ROLLBACK}
    blocks = [block for block in state.queries.found if block.name in rules]
    return found + [of_query(state, rules[block.name], block) for block in blocks]


def strength_of_all(plan: JudgePlan, state: JudgeState) -> float:
    """Return the evidence for a `Fail`: the weighted mean of its e-processes.

    A mean of e-processes is one, however they depend on each other: no alpha is lost.
    """
    weights = strengths = 0.0
    for h in comparisons(plan):
        if h.action is Action.ROLLBACK:
            weights += h.weight
            strengths += h.weight * compared(state, h)
    if len(plan.queries) or _extra(plan):
        found = accusations(plan, state)
        weights = sum(a.weight for a in found)
        strengths = sum(a.weight * a.strength for a in found)
    return strengths / weights if weights else 0.0


def _extra(plan: JudgePlan) -> bool:
    return any(h.action is Action.ROLLBACK for h in absolutes(plan))


def _accused(plan: JudgePlan, state: JudgeState) -> tuple[VerdictReason, str, Evidence] | None:
    """Return why the evidence is enough for a `Fail`, or None."""
    total = strength_of_all(plan, state)
    if total * plan.alpha < 1:
        return None
    worst = max(accusations(plan, state), key=lambda a: a.weight * a.strength)
    text = f"{worst.message}; evidence {min(total, 1e12):.3g} to 1, {1 / plan.alpha:g} needed"
    return worst.reason, text, worst.evidence


def _checked(plan: JudgePlan, state: JudgeState) -> tuple[VerdictReason, str, Evidence] | None:
    """Return why too many classic checks failed, or None."""
    failed = state.checks.failed
    if failed <= plan.threshold.failure_limit:
        return None
    e = evidence_of(plan, state, comparisons(plan)[0], 0.0)
    text = f"{failed} checks failed, {plan.threshold.failure_limit} may; {sentence(e)}"
    return (
        VerdictReason.CHECKS_FAILED,
        text,
        replace(e, threshold=plan.error_rate_critical, bound=None),
    )


def _broken(plan: JudgePlan, state: JudgeState) -> tuple[VerdictReason, str, Evidence] | None:
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
        return (
            VerdictReason.BREAKER_OPEN,
            f"breaker of {name} open for {seconds:.0f} s, not on stable",
            e,
        )
    return None


def _gone(plan: JudgePlan, state: JudgeState) -> tuple[VerdictReason, str, Evidence] | None:
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
    return VerdictReason.CANDIDATE_UNAVAILABLE, why, e


def latch(plan: JudgePlan, state: JudgeState) -> JudgeState:
    """Return the state with a `Fail` kept once its evidence was enough."""
    if state.failed is not None:
        return state
    by_evidence = _accused if plan.mode is Mode.EVIDENCE else _checked
    found = _gone(plan, state) or _broken(plan, state) or by_evidence(plan, state)
    return state if found is None else replace(state, failed=found)
