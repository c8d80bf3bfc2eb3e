"""What the judge answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spark_operator.core.judge.plan import Action


class VerdictKind(StrEnum):
    """The four verdicts. Only `PASS` lets traffic rise, only `FAIL` rolls back."""

    PASS = "Pass"  # noqa: S105 - a verdict, no password
    FAIL = "Fail"
    CONTINUE = "Continue"
    NO_DATA = "NoData"


class Reason(StrEnum):
    """Why, in the form that conditions, Events and metric labels share."""

    ERROR_RATE_CRITICAL = "ErrorRateCritical"
    ERROR_RATE_ABOVE_STABLE = "ErrorRateAboveStable"
    ERROR_RATE_WARNING = "ErrorRateWarning"
    CLIENT_ERRORS_ABOVE_STABLE = "ClientErrorsAboveStable"
    LATENCY_CRITICAL = "LatencyCritical"
    LATENCY_WARNING = "LatencyWarning"
    LATENCY_ABOVE_STABLE = "LatencyAboveStable"
    CACHE_HIT_RATE_LOW = "CacheHitRateLow"
    BREAKER_OPEN = "BreakerOpen"
    CANDIDATE_UNAVAILABLE = "CandidateUnavailable"
    QUERY_OUT_OF_BOUNDS = "QueryOutOfBounds"
    SHARED_FAILURE = "SharedFailure"
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence"
    NO_SAMPLES = "NoSamples"
    ERROR_RATE_BELOW_WARNING = "ErrorRateBelowWarning"
    CHECKS_PASSED = "ChecksPassed"
    CHECKS_FAILED = "ChecksFailed"
    ALERT_FIRED = "AlertFired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One metric's numbers behind a verdict.

    Attributes:
        metric: its name in `camelCase`, as in the resource.
        n: observations on the candidate: requests, or seconds for a timer.
        value: the candidate's value: a share in 0..1, or seconds.
        bound: the value's confidence bound towards the threshold; None for a timer.
        threshold: what it was compared with.
        stable_value: stable's value over the same time; None if it has none.
        strength: the evidence itself, as odds to 1 against chance; None for a timer.
    """

    metric: str
    n: float
    value: float
    bound: float | None
    threshold: float
    stable_value: float | None = None
    strength: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A threshold that the candidate breaches and stable does not."""

    reason: Reason
    action: Action
    message: str
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A verdict with its evidence.

    Attributes:
        kind: the verdict.
        reason: why, one CamelCase word.
        message: one sentence with the numbers.
        evidence: the metrics that were looked at, the deciding one first.
        warnings: breaches that hold or notify.
        shared: stable fails the same way now, so the release is not blamed.
        step_requests: the candidate's requests at the present weight.
        step_seconds: time at the present weight.
    """

    kind: VerdictKind
    reason: Reason
    message: str
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[Warned, ...] = ()
    shared: bool = False
    step_requests: int = 0
    step_seconds: float = 0.0
