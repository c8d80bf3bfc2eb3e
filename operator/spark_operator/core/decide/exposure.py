"""How much of a bad release users see: at worst, before a trial; and really, after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.status import WorstCase
from spark_operator.core import judge
from spark_operator.core.judge import Counters, PodSample, Tick, VerdictKind
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.model.weights import candidate_pods, share

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.judge import JudgePlan

CUT_SECONDS: Final = 2.0
"""Longest time from a Fail to the cut, while a leader and the API server are up."""
MOST_SECONDS: Final = 120
"""Rehearsed seconds; a judge that needs longer has hardly any traffic."""
STABLE_ERROR_RATE: Final = 0.005


def foresee(draft: RolloutDraft) -> None:
    """Write into status what a total failure would cost, once the request rate is known."""
    rate = draft.observations.rate
    if draft.status.worst_case is not None or not rate:
        return
    steps = draft.spec.strategy.canary.steps
    index = draft.status.step.index if draft.status.step else 0
    wanted = next((step.weight for step in steps[index:] if step.weight > 0), 100)
    pods = candidate_pods(draft.spec.replicas, wanted)
    weight = 100 if wanted == 100 else share(pods, draft.spec.replicas)
    seconds = worst_case(draft.plan, weight / 100, rate)
    cost = WorstCase(seconds=seconds, weight=weight, requests=round(seconds * rate * weight / 100))
    draft.set(worst_case=cost)
    draft.record(
        LedgerDecision.EXPOSURE_FORESEEN,
        DecisionReason.PLAN_ACCEPTED,
        f"a total failure would be out within about {seconds:.0f} s at {weight}% of traffic:"
        f" {cost.requests} requests at the present {rate:.1f}/s",
        release=draft.on_trial.release,
    )


def worst_case(plan: JudgePlan, fraction: float, rate: float) -> float:
    """Seconds until a release whose every request fails is out, at this share of the traffic.

    The real judge is rehearsed with one candidate pod that fails always and a stable pod that
    fails as rarely as usual.

    Args:
        plan: the judge's plan.
        fraction: the candidate's share of the traffic, from 0 to 1.
        rate: requests per second in all.
    """
    state = judge.start(plan, 0.0)
    for second in range(1, MOST_SECONDS + 1):
        bad, good = rate * fraction * second, rate * (1.0 - fraction) * second
        tick = Tick(
            float(second),
            candidate=(_pod("candidate", second, bad, bad),),
            stable=(_pod("stable", second, good, good * STABLE_ERROR_RATE),),
        )
        state = judge.observe(plan, state, tick)
        if judge.verdict(plan, state, float(second)).kind is VerdictKind.FAIL:
            return second + CUT_SECONDS
    return float(MOST_SECONDS)


def _pod(name: str, at: int, requests: float, failures: float) -> PodSample:
    values = Counters(
        requests=float(round(requests)), failures_app=float(round(failures)), failures_provider=0.0
    )
    return PodSample(name, float(at), values, ready=True, restarts=0, started_at=0.0)
