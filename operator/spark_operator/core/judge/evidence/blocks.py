"""A full block becomes evidence: every hypothesis' mixture takes its bets on it."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.eprocess import (
    Measured,
    Requests,
    Shares,
    failing_samples,
    grow,
    log_compares,
    log_exceeds,
    released,
)
from spark_operator.core.judge.evidence.hypotheses import (
    APP_ERROR_RATE,
    absolutes,
    comparisons,
    guards,
    metrics,
)
from spark_operator.core.judge.state import Block, Recent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.core.judge.evidence.hypotheses import Comparison, Hypothesis, Metric
    from spark_operator.core.judge.plan import JudgePlan
    from spark_operator.core.judge.state import JudgeState, PodBlock, Row

IDLE_SECONDS = 10.0
"""Stable without a finished request for this long is no comparison any more."""

FADE_SECONDS, STABLE_FADE_SECONDS = 30.0, 120.0
"""Time constants of `Recent`."""

FAILING_SAMPLES = 0.05
"""Share of stable's samples that should hold a failure; more would saturate, less be slow."""

MOST_SAMPLED = 20
"""Largest sample; more would cost time and tell little."""

MOST_ROWS = 12
"""Pods whose evidence is also kept without them; they are the first to fail."""


def counts(metric: Metric, pods: Sequence[PodBlock]) -> list[tuple[float, float]]:
    """Return `(n, x)` of every pod that has any."""
    found = (metric.count(pod.vector) for pod in pods)
    return [(n, x) for n, x in found if n > 0]


def summed(metric: Metric, pods: Sequence[PodBlock]) -> tuple[float, float]:
    """Return `(n, x)` over all pods."""
    found = counts(metric, pods)
    return sum(n for n, _ in found), sum(x for _, x in found)


def _seen(plan: JudgePlan, metric: Metric, pods: Sequence[PodBlock]) -> Measured:
    """Return one side's block as observations of the failure rate itself."""
    if plan.independent:
        return Requests(*summed(metric, pods))
    return Shares(tuple(x / n for n, x in counts(metric, pods)))


def _sampled(metric: Metric, pods: Sequence[PodBlock], size: int) -> Measured:
    """Return one side's block as observations of samples with a failure in them."""
    return Shares(tuple(failing_samples(n, x, size) for n, x in counts(metric, pods) if n >= size))


def _sample_size(rate: float, *sides: list[tuple[float, float]]) -> int:
    """Return a size at which about one in twenty of stable's samples fails, if pods allow it."""
    most = min(max((n for n, _ in side), default=1.0) for side in sides)
    return max(1, min(round(FAILING_SAMPLES / rate), int(most), MOST_SAMPLED))


def is_idle(state: JudgeState, now: float) -> bool:
    """Return whether stable serves nobody, so that the candidate can only be judged alone."""
    return now - state.stable_busy_at > IDLE_SECONDS


def _logs(
    plan: JudgePlan, state: JudgeState, h: Comparison, pods: Sequence[PodBlock]
) -> list[float]:
    """Return a comparison's log e-values for the block, the candidate reduced to `pods`.

    Where stable serves nobody, the candidate is judged alone, against the hypothesis' fixed
    limit, for what the app alone is to blame for.
    """
    theirs = counts(h.metric, state.block.stable)
    if not theirs and h.limit < 1 and is_idle(state, state.at):
        return log_exceeds(_seen(plan, APP_ERROR_RATE, pods), h.limit, h.rates)
    rate = expected(state, h.metric)
    if plan.independent:
        mine, stable = (
            Requests(*summed(h.metric, pods)),
            Requests(*summed(h.metric, state.block.stable)),
        )
        return log_compares(mine, stable, h.null, rate, h.rates)
    size = _sample_size(rate, counts(h.metric, pods), theirs)
    return log_compares(
        _sampled(h.metric, pods, size),
        _sampled(h.metric, state.block.stable, size),
        h.null,
        1 - (1 - rate) ** size,
        h.rates,
    )


def expected(state: JudgeState, metric: Metric) -> float:
    """Return stable's rate by the blocks before this one, shrunk towards half a percent."""
    recent = state.recent.get(metric.name, Recent())
    rate = (recent.stable_x + 0.5) / (recent.stable_n + 100.0)
    return min(max(rate, 0.002), 0.5)


def _spared(plan: JudgePlan, state: JudgeState, h: Comparison, fresh: float) -> dict[str, Row]:
    """Return the rows of a comparison without one pod each, for pods that have failed."""
    pods = state.block.candidate
    present = {track.pod for track in state.candidate}
    common = state.rows.get(h.name, (0.0,) * len(h.rates))
    names = [key.partition("/")[2] for key in state.rows if key.startswith(h.name + "/")]
    failing = [p.pod for p in pods if h.metric.count(p.vector)[1] > 0 and p.pod not in names]
    rows = {}
    for name in [n for n in (*names, *failing) if n in present][:MOST_ROWS]:
        others = [pod for pod in pods if pod.pod != name]
        old = state.rows.get(f"{h.name}/{name}", common)
        logs = _logs(plan, state, h, others)
        rows[f"{h.name}/{name}"] = grow(old, logs, fresh, h.prior)
    return rows


def close(plan: JudgePlan, state: JudgeState) -> JudgeState:
    """Return the state with its block turned into evidence, and an empty block.

    `state.at` is the block's end. While a pod of the candidate warms up, what it may fail at
    all is raised, and warnings wait.
    """
    block = state.block
    working = released(state.at - state.started_at, plan.horizon_seconds)
    fresh = working - state.working
    rows: dict[str, Row] = {}

    def grown(key: str, h: Hypothesis, logs: list[float]) -> None:
        rows[key] = grow(state.rows.get(key, (0.0,) * len(h.rates)), logs, fresh, h.prior)

    for c in comparisons(plan):
        grown(c.name, c, _logs(plan, state, c, block.candidate))
        if c.spares:
            rows |= _spared(plan, state, c, fresh)
    for h in guards(plan):
        limit = max(h.limit, plan.warm_up_error_rate) if block.young else h.limit
        grown(h.name, h, log_exceeds(_seen(plan, h.metric, block.candidate), limit, h.rates))
    for h in absolutes(plan):
        seen = _seen(plan, h.metric, () if block.young else block.candidate)
        grown(f"{h.name}:c", h, log_exceeds(seen, h.limit, h.rates))
        seen = _seen(plan, h.metric, block.stable)
        grown(f"{h.name}:s", h, log_exceeds(seen, h.limit, h.rates))
    recent = _fade(plan, state)
    return replace(state, rows=rows, working=working, recent=recent, block=Block(state.at))


def _fade(plan: JudgePlan, state: JudgeState) -> dict[str, Recent]:
    seconds = state.at - state.block.since
    keep, keep_stable = exp(-seconds / FADE_SECONDS), exp(-seconds / STABLE_FADE_SECONDS)
    result = {}
    for metric in metrics(plan):
        old = state.recent.get(metric.name, Recent())
        n, x = summed(metric, state.block.candidate)
        stable_n, stable_x = summed(metric, state.block.stable)
        result[metric.name] = Recent(
            old.n * keep + n,
            old.x * keep + x,
            old.stable_n * keep_stable + stable_n,
            old.stable_x * keep_stable + stable_x,
        )
    return result
