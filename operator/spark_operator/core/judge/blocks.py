"""A full block becomes evidence: every hypothesis' mixture takes its bets on it."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import TYPE_CHECKING

from spark_operator.core.judge.eprocess import (
    Arm,
    Null,
    grow,
    log_compares,
    log_exceeds,
    released,
)
from spark_operator.core.judge.hypotheses import (
    APP_ERROR_RATE,
    absolutes,
    comparisons,
    critical,
    metrics,
)
from spark_operator.core.judge.state import Block, Recent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.hypotheses import Hypothesis, Metric
    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.state import JudgeState, PodBlock, Row

IDLE_SECONDS = 10.0
"""Stable without a finished request for this long is no comparison any more."""

FADE_SECONDS = 120.0
"""Time constant of `Recent`."""

MOST_ROWS = 12
"""Pods whose evidence is also kept without them; they are the first to fail."""


def arm(metric: Metric, pods: Sequence[PodBlock]) -> Arm:
    """Return one side's block as observations of a metric."""
    counts = [metric.count(pod.vector) for pod in pods]
    return Arm(tuple(n for n, _ in counts), tuple(x for _, x in counts))


def is_idle(state: JudgeState, now: float) -> bool:
    """Return whether stable serves nobody, so that the candidate can only be judged alone."""
    return now - state.stable_busy_at > IDLE_SECONDS


def _alone(plan: JudgePlan, hypothesis: Hypothesis, pods: Sequence[PodBlock]) -> list[float]:
    """Return log e-values against a fixed limit, for what the app alone is to blame for."""
    rates = hypothesis.rates
    if hypothesis.limit >= max(rates):
        return [0.0] * len(rates)
    bets = [max(rate, hypothesis.limit) for rate in rates]
    return log_exceeds(
        arm(APP_ERROR_RATE, pods), hypothesis.limit, bets, independent=plan.independent
    )


def _logs(
    plan: JudgePlan, state: JudgeState, hypothesis: Hypothesis, pods: Sequence[PodBlock]
) -> list[float]:
    """Return a comparison's log e-values for the block, the candidate reduced to `pods`."""
    candidate = arm(hypothesis.metric, pods)
    stable = arm(hypothesis.metric, state.block.stable)
    if sum(candidate.requests) == 0:
        return [0.0] * len(hypothesis.rates)
    if sum(stable.requests) == 0:
        alone = is_idle(state, state.at)
        return _alone(plan, hypothesis, pods) if alone else [0.0] * len(hypothesis.rates)
    null = hypothesis.null or Null(1.0, 0.0)
    if state.block.young:
        null = Null(null.ratio, max(null.margin, plan.warm_up_error_rate))
    return log_compares(
        candidate,
        stable,
        null,
        expected(state, hypothesis.metric),
        hypothesis.rates,
        independent=plan.independent,
    )


def expected(state: JudgeState, metric: Metric) -> float:
    """Return stable's rate by the blocks before this one, shrunk towards half a percent."""
    recent = state.recent.get(metric.name, Recent())
    rate = (recent.stable_x + 0.5) / (recent.stable_n + 100.0)
    return min(max(rate, 0.002), 0.5)


def _absolute_logs(plan: JudgePlan, h: Hypothesis, pods: Sequence[PodBlock]) -> list[float]:
    side = arm(h.metric, pods)
    if sum(side.requests) == 0:
        return [0.0] * len(h.rates)
    bets = [max(rate, h.limit) for rate in h.rates]
    return log_exceeds(side, h.limit, bets, independent=plan.independent)


def _grow_errors(
    plan: JudgePlan, state: JudgeState, h: Hypothesis, fresh: float, rows: dict[str, Row]
) -> None:
    """Add the rows of the comparison without one pod each, for pods that have failed."""
    pods = state.block.candidate
    present = {track.pod for track in state.candidate}
    common = state.rows.get(h.name, (0.0,) * len(h.rates))
    names = [key.partition("/")[2] for key in state.rows if key.startswith(h.name + "/")]
    failing = [p.pod for p in pods if h.metric.count(p.vector)[1] > 0 and p.pod not in names]
    for name in [n for n in (*names, *failing) if n in present][:MOST_ROWS]:
        others = [pod for pod in pods if pod.pod != name]
        old = state.rows.get(f"{h.name}/{name}", common)
        rows[f"{h.name}/{name}"] = grow(old, _logs(plan, state, h, others), fresh, h.prior)


def close(plan: JudgePlan, state: JudgeState) -> JudgeState:
    """Return the state with its block turned into evidence, and an empty block.

    `state.at` is the block's end.
    """
    block = state.block
    working = released(state.at - state.started_at, plan.horizon_seconds)
    fresh = working - state.working
    rows: dict[str, Row] = {}

    def grown(key: str, h: Hypothesis, logs: list[float]) -> None:
        rows[key] = grow(state.rows.get(key, (0.0,) * len(h.rates)), logs, fresh, h.prior)

    for h in comparisons(plan):
        grown(h.name, h, _logs(plan, state, h, block.candidate))
    _grow_errors(plan, state, comparisons(plan)[0], fresh, rows)
    flat = [0.0]
    for h in (*absolutes(plan), critical(plan)):
        side = flat * len(h.rates) if block.young else _absolute_logs(plan, h, block.candidate)
        grown(f"{h.name}:c", h, side)
        grown(f"{h.name}:s", h, _absolute_logs(plan, h, block.stable))
    recent = _fade(plan, state)
    return replace(state, rows=rows, working=working, recent=recent, block=Block(state.at))


def _fade(plan: JudgePlan, state: JudgeState) -> dict[str, Recent]:
    keep = exp(-(state.at - state.block.since) / FADE_SECONDS)
    result = {}
    for metric in metrics(plan):
        old = state.recent.get(metric.name, Recent())
        mine, theirs = arm(metric, state.block.candidate), arm(metric, state.block.stable)
        result[metric.name] = Recent(
            old.n * keep + sum(mine.requests),
            old.x * keep + sum(mine.failures),
            old.stable_n * keep + sum(theirs.requests),
            old.stable_x * keep + sum(theirs.failures),
        )
    return result
