"""User queries: gauges with bounds, as observations of being out of bounds.

A gauge's values follow from each other, so a block of them is one observation: the share of
looks at which it was out of bounds.
"""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from spark_operator.core.judge.evidence.eprocess import (
    PRIOR,
    RATES,
    Shares,
    grow,
    log_exceeds,
    released,
)
from spark_operator.core.judge.state import Queries, QueryBlock

if TYPE_CHECKING:
    from spark_operator.core.judge.plan import JudgePlan, QueryRule
    from spark_operator.core.judge.readings.samples import QueryValue

BLOCK_SECONDS = 10.0
"""Shortest block of queries; a longer one of the plan counts."""

TOLERATED = 0.2
"""Share of looks at which a gauge may be out of bounds."""


def _out(rule: QueryRule, seen: QueryValue) -> bool | None:
    """Return whether the value is out of bounds; None if that can't be said."""
    value, stable = seen.candidate, seen.stable
    if value is None or not isfinite(value):
        return None
    above = rule.max is not None and value > rule.max
    below = rule.min is not None and value < rule.min
    if rule.max_ratio is None or not (above or below):
        return above or below
    if stable is None or not isfinite(stable):
        return None
    return value > stable * rule.max_ratio if above else value * rule.max_ratio < stable


def _looked(block: QueryBlock, rule: QueryRule, seen: QueryValue) -> QueryBlock:
    out = _out(rule, seen)
    if out is None:
        return block
    return replace(
        block,
        looks=block.looks + 1,
        out=block.out + out,
        value=seen.candidate,
        stable_value=seen.stable,
    )


def _closed(block: QueryBlock, fresh: float) -> QueryBlock:
    share = Shares((block.out / block.looks,) if block.looks else ())
    logs = log_exceeds(share, TOLERATED, RATES)
    row = grow(block.row or (0.0,) * len(RATES), logs, fresh, PRIOR)
    return replace(block, looks=0.0, out=0.0, row=row)


def look_at_queries(
    plan: JudgePlan, queries: Queries, values: tuple[QueryValue, ...], start: float, now: float
) -> Queries:
    """Return the queries after one more look.

    Args:
        plan: the rules; values without one are ignored.
        queries: before the look.
        values: what the source answered.
        start: the trial's beginning, Unix seconds.
        now: the look's time.
    """
    known = {block.name: block for block in queries.found}
    seen = {value.name: value for value in values}
    found = []
    for rule in plan.queries:
        block = known.get(rule.name, QueryBlock(rule.name))
        found.append(_looked(block, rule, seen[rule.name]) if rule.name in seen else block)
    queries = replace(queries, found=tuple(found))
    if now - queries.since < max(plan.block_seconds, BLOCK_SECONDS):
        return queries
    working = released(now - start, plan.horizon_seconds)
    fresh = working - queries.working
    return Queries(now, working, tuple(_closed(block, fresh) for block in queries.found))


def strength(queries: Queries, block: QueryBlock) -> float:
    """Return the evidence that a query is out of bounds more than is tolerated."""
    return sum(block.row) + 1.0 - queries.working if block.row else 1.0
