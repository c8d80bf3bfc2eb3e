"""From the state to a verdict: what is proven, what is shared, what is still open."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import exp, inf, log
from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.accusations import (
    compared,
    evidence_of,
    numbers,
    of_query,
    sentence,
    strength_of_all,
    value,
)
from spark_operator.core.judge.evidence.blocks import is_idle
from spark_operator.core.judge.evidence.eprocess import log_passes, lower_bound
from spark_operator.core.judge.evidence.hypotheses import (
    APP_ERROR_RATE,
    ERROR_RATE,
    absolutes,
    comparisons,
)
from spark_operator.core.judge.plan import Action, Mode
from spark_operator.core.judge.readings.baseline import tuned
from spark_operator.core.judge.verdict import Verdict, VerdictKind, VerdictReason, Warned

if TYPE_CHECKING:
    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.state import JudgeState
    from spark_operator.core.judge.verdict import Evidence

SUSPICION = 10.0
"""Evidence against the candidate that keeps a `Pass` back; a tenth of what a `Fail` needs."""
MOST_TO_PASS = 1_000_000
"""Requests; no threshold that can be written needs more."""


def _warnings(plan: JudgePlan, state: JudgeState) -> tuple[Warned, ...]:
    """Return what the candidate breaches and stable does not."""
    found: list[Warned] = []
    for h in absolutes(plan):
        strength = value(state, f"{h.name}:c")
        if strength * plan.alpha >= 1 > value(state, f"{h.name}:s") * plan.alpha:
            e = evidence_of(plan, state, h, strength)
            warned = Warned(reason=h.reason, action=h.action, message=sentence(e), evidence=e)
            found.append(warned)
    return (*found, *_shifts(plan, state), *_queries(plan, state))


def _queries(plan: JudgePlan, state: JudgeState) -> tuple[Warned, ...]:
    """Return the user queries that are out of bounds and do not roll back."""
    rules = {rule.name: rule for rule in plan.queries if rule.action is not Action.ROLLBACK}
    found = [
        (rules[block.name], of_query(state, rules[block.name], block))
        for block in state.queries.found
        if block.name in rules
    ]
    return tuple(
        Warned(reason=a.reason, action=rule.action, message=a.message, evidence=a.evidence)
        for rule, a in found
        if a.strength * plan.alpha >= 1
    )


def _shifts(plan: JudgePlan, state: JudgeState) -> tuple[Warned, ...]:
    """Return the warning of a latency that is longer than stable's, over all bounds together."""
    shifts = [h for h in comparisons(plan) if h.reason is VerdictReason.LATENCY_ABOVE_STABLE]
    strengths = [value(state, h.name) for h in shifts]
    mean = sum(strengths) / max(len(shifts), 1)
    if not shifts or shifts[0].action is Action.ROLLBACK or mean * plan.alpha < 1:
        return ()
    h = shifts[strengths.index(max(strengths))]
    e = evidence_of(plan, state, h, mean)
    return (Warned(reason=h.reason, action=h.action, message=sentence(e), evidence=e),)


def _is_shared(plan: JudgePlan, state: JudgeState, now: float) -> str:
    """Return in words what stable or a provider fails at as well; empty if nothing."""
    if value(state, "warn:c") * plan.alpha >= 1:
        if value(state, "warn:s") * plan.alpha >= 1:
            return "stable fails the same way"
        every, app = numbers(state, ERROR_RATE), numbers(state, APP_ERROR_RATE)
        if is_idle(state, now) and every.x > 2 * app.x:
            return "a provider is to blame for most failures"
    limit = min(plan.breaker_open_candidate_only, plan.breaker_open_critical)
    for breaker in state.breakers:
        since = breaker.candidate_since
        if since is not None and breaker.stable_since is not None and now - since >= limit:
            return f"the breaker of {breaker.provider} is open on both sides"
    return ""


def _too_few(plan: JudgePlan, state: JudgeState, now: float) -> str:
    """Return in words what the step still lacks in time or requests; empty if nothing."""
    step, limit = state.step, plan.error_rate_warning
    if now - step.at < plan.pass_seconds:
        return f"{now - step.at:.0f} s at this weight, {plan.pass_seconds:.0f} s needed"
    counts = f"{step.x:.0f} of {step.n:.0f} requests failed at this weight"
    if log_passes(step.n, step.x, limit) < log(1 / plan.pass_alpha):
        return f"{counts}, too few to show a rate below {100 * limit:.3g}%"
    recent = numbers(state, ERROR_RATE)
    stable = recent.stable_x / recent.stable_n if recent.stable_n else 0.0
    if (step.x - 1) / step.n > plan.error_rate_success + plan.ratio * stable:
        return f"{counts}, on stable {100 * stable:.3g}%"
    return ""


def requests_to_pass(plan: JudgePlan) -> int:
    """Return how many requests at one weight pass a candidate of which none failed."""
    if plan.mode is Mode.THRESHOLD:
        return 1
    enough = log(1 / plan.pass_alpha)
    return bisect_left(
        range(MOST_TO_PASS), enough, key=lambda n: log_passes(n, 0, plan.error_rate_warning)
    )


def _checks_open(plan: JudgePlan, state: JudgeState, now: float) -> str:
    """Return in words how many classic checks are still to pass; empty if none."""
    del now
    passed, needed = state.checks.passed, plan.threshold.successes
    return "" if passed >= needed else f"{passed} checks passed at this weight, {needed} needed"


def in_doubt(plan: JudgePlan, state: JudgeState) -> str:
    """Return in words what speaks against a `Pass` without being a `Fail`."""
    if plan.mode is Mode.EVIDENCE and strength_of_all(plan, state) > SUSPICION:
        return "there is some evidence against the release"
    if state.presence.cause:
        return f"the candidate is not all there: {state.presence.cause}"
    if any(breaker.candidate_since is not None for breaker in state.breakers):
        return "a breaker is open on the candidate"
    return ""


def _silence(state: JudgeState, now: float) -> str:
    if state.candidate_at == -inf:
        return "no pod of the candidate has given two readings yet"
    return f"no reading of the candidate for {now - state.candidate_at:.0f} s"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What every verdict carries."""

    plan: JudgePlan
    state: JudgeState
    now: float
    warnings: tuple[Warned, ...]

    def __call__(
        self,
        kind: VerdictKind,
        reason: VerdictReason,
        message: str,
        evidence: Evidence,
        *,
        shared: bool = False,
    ) -> Verdict:
        return Verdict(
            kind=kind,
            reason=reason,
            message=message,
            evidence=(evidence, *(w.evidence for w in self.warnings if w.evidence != evidence)),
            warnings=self.warnings,
            shared=shared,
            step_requests=int(self.state.step.n),
            step_seconds=max(self.now - self.state.step.at, 0.0),
        )


def verdict(plan: JudgePlan, state: JudgeState, now: float) -> Verdict:
    """Return the verdict on the candidate as of `now` (Unix seconds).

    A `Fail` once reached stays. Nothing shared with stable, and nothing missing, is a `Fail`;
    a `Pass` needs readings at the present weight, enough of them, and no warning that holds.
    """
    plan = tuned(plan, state.baseline)
    answer = _Answer(plan, state, now, _warnings(plan, state))
    if state.failed is not None:
        return answer(VerdictKind.FAIL, *state.failed)
    first = comparisons(plan)[0]
    basis = evidence_of(plan, state, first, compared(state, first))
    if now - state.candidate_at > plan.stale_seconds:
        return answer(VerdictKind.NO_DATA, VerdictReason.NO_SAMPLES, _silence(state, now), basis)
    both = _is_shared(plan, state, now)
    if both:
        text = f"{sentence(basis)}: {both}, the release is not blamed"
        return answer(VerdictKind.CONTINUE, VerdictReason.SHARED_FAILURE, text, basis, shared=True)
    for warning in answer.warnings:
        if warning.action is not Action.NOTIFY:
            return answer(VerdictKind.CONTINUE, warning.reason, warning.message, warning.evidence)
    lacking = _too_few if plan.mode is Mode.EVIDENCE else _checks_open
    missing = lacking(plan, state, now) or in_doubt(plan, state)
    if missing:
        return answer(VerdictKind.CONTINUE, VerdictReason.NOT_ENOUGH_EVIDENCE, missing, basis)
    return _passed(plan, state, answer, basis)


def _passed(plan: JudgePlan, state: JudgeState, answer: _Answer, basis: Evidence) -> Verdict:
    n, x = state.step.n, state.step.x
    if plan.mode is Mode.THRESHOLD:
        text = f"{state.checks.passed} checks passed at this weight"
        return answer(VerdictKind.PASS, VerdictReason.CHECKS_PASSED, text, replace(basis, n=n))
    e = replace(
        basis,
        n=n,
        value=x / n,
        bound=1 - lower_bound(n, n - x, plan.pass_alpha),
        threshold=plan.error_rate_warning,
        strength=exp(min(log_passes(n, x, plan.error_rate_warning), 27.0)),
    )
    text = f"{x:.0f} of {n:.0f} requests failed at this weight"
    return answer(VerdictKind.PASS, VerdictReason.ERROR_RATE_BELOW_WARNING, text, e)
