"""What the judge is asked: thresholds, what a breach does, and how sure it has to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Sensitivity(StrEnum):
    """How errors are believed to come; see ``docs/judge.md``."""

    FAST = "fast"
    BALANCED = "balanced"
    ROBUST = "robust"


class Action(StrEnum):
    """What a breach does."""

    NOTIFY = "Notify"
    HOLD = "Hold"
    ROLLBACK = "Rollback"


class Mode(StrEnum):
    """How a verdict is reached: by evidence, or by a threshold at an interval."""

    EVIDENCE = "Evidence"
    THRESHOLD = "Threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRule:
    """A user query's bounds.

    Attributes:
        name: the query's name, as in ``QueryValue``.
        max: the value must not be above this.
        min: the value must not be below this.
        max_ratio: a breach counts only if the candidate's value is also more than this
            times stable's (for ``min``: less than stable's divided by it). None: no comparison.
        action: what a proven breach does.
    """

    name: str
    max: float | None = None
    min: float | None = None
    max_ratio: float | None = None
    action: Action = Action.ROLLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What each breach does (``Rollback`` is a ``Fail``, ``Hold`` keeps a ``Pass`` back)."""

    error_rate_critical: Action = Action.ROLLBACK
    error_rate_warning: Action = Action.HOLD
    client_errors: Action = Action.ROLLBACK
    latency: Action = Action.HOLD
    latency_shift: Action = Action.HOLD
    cache_hit: Action = Action.NOTIFY
    breaker_open: Action = Action.ROLLBACK
    unavailable: Action = Action.ROLLBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRule:
    """The classic way: one check per interval, a rollback after too many failed ones."""

    interval_seconds: float = 60.0
    failure_limit: int = 1
    successes: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePlan:
    """All numbers a verdict depends on. Rates are shares in 0..1, times are seconds.

    Attributes:
        sensitivity: the preset the numbers come from.
        mode: by evidence, or the classic way.
        alpha: bound on the probability of a false ``Fail`` over a whole trial, at least 1e-4.
        pass_alpha: bound on the probability of a ``Pass`` at or above ``error_rate_warning``.
        horizon_seconds: how long a trial with its guard lasts; evidence may begin at any
            moment in it, and the prior over that moment is spread over this time.
        independent: errors of one pod are independent of each other (every request is one
            observation). If not, a pod's share of errors in one block is one observation,
            whatever happens inside the block.
        block_seconds: a block closes after this time ...
        block_requests: ... or after this many of one candidate pod; None: by time only.
        longest_block_seconds: stable's history may lengthen a block up to this; 0: history is
            not used at all.
        trusts_history: if stable's errors were independent, the candidate's are taken to be.
        warm_up_seconds: a container younger than this may fail up to ``warm_up_error_rate``.
        pass_seconds: least time at a weight before a ``Pass``.
        ratio: smallest factor between candidate and stable that matters.
        error_rate_warning: the rate below which a ``Pass`` must show the candidate to be.
        error_rate_critical: above it, any lead over stable is a ``Fail``.
        error_rate_success: a rate below this is never a ``Fail``, whatever stable's is.
        latency_bound: requests slower than this are counted; a histogram's boundary.
        latency_share: share of them that must not be exceeded (5% for a 95th percentile).
        latency_shift_bounds: boundaries at which candidate and stable are compared.
        cache_hit_warning: least share of cache look-ups that hit.
        breaker_open_candidate_only: seconds a breaker may be open on the candidate only.
        breaker_open_critical: seconds a breaker may be open at all.
        unavailable_seconds: seconds the candidate may be away while stable answers.
        stale_seconds: a reading older than this is no reading.
        actions: what each breach does.
        queries: the user's own queries.
        threshold: the classic way's numbers.
    """

    sensitivity: Sensitivity = Sensitivity.BALANCED
    mode: Mode = Mode.EVIDENCE
    alpha: float = 0.01
    pass_alpha: float = 0.05
    horizon_seconds: float = 3600.0
    independent: bool = False
    block_seconds: float = 10.0
    block_requests: int | None = 10
    longest_block_seconds: float = 40.0
    trusts_history: bool = True
    warm_up_seconds: float = 120.0
    warm_up_error_rate: float = 0.05
    pass_seconds: float = 30.0
    ratio: float = 1.5
    error_rate_warning: float = 0.05
    error_rate_critical: float = 0.10
    error_rate_success: float = 0.01
    latency_bound: float = 10.0
    latency_share: float = 0.05
    latency_shift_bounds: tuple[float, ...] = (1.0, 2.5, 5.0)
    cache_hit_warning: float = 0.5
    breaker_open_candidate_only: float = 30.0
    breaker_open_critical: float = 300.0
    unavailable_seconds: float = 10.0
    stale_seconds: float = 10.0
    actions: Actions = field(default_factory=Actions)
    queries: tuple[QueryRule, ...] = ()
    threshold: ThresholdRule = field(default_factory=ThresholdRule)


_PRESETS: dict[Sensitivity, dict[str, Any]] = {
    Sensitivity.FAST: {
        "independent": True,
        "block_seconds": 0.0,
        "block_requests": None,
        "longest_block_seconds": 0.0,
        "warm_up_seconds": 0.0,
        "ratio": 1.2,
        "pass_seconds": 15.0,
    },
    Sensitivity.BALANCED: {},
    Sensitivity.ROBUST: {
        "block_seconds": 30.0,
        "block_requests": None,
        "longest_block_seconds": 160.0,
        "trusts_history": False,
        "warm_up_seconds": 180.0,
        "warm_up_error_rate": 0.10,
        "pass_seconds": 60.0,
    },
}


def plan_for(sensitivity: Sensitivity, **overrides: Any) -> JudgePlan:
    """Return the plan of a named sensitivity, with single numbers replaced.

    Args:
        sensitivity: the preset.
        overrides: fields of ``JudgePlan`` that the user set.

    Raises:
        TypeError: an override is no field of ``JudgePlan``.
    """
    return replace(JudgePlan(sensitivity=sensitivity, **_PRESETS[sensitivity]), **overrides)
