"""What the judge answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from spark_operator.api.described import DescribedEnum

if TYPE_CHECKING:
    from spark_operator.core.judge.plan import Action


class VerdictKind(StrEnum):
    """The four verdicts. Only `PASS` lets traffic rise, only `FAIL` rolls back."""

    PASS = "Pass"  # noqa: S105 - a verdict, no password
    FAIL = "Fail"
    CONTINUE = "Continue"
    NO_DATA = "NoData"


class VerdictReason(DescribedEnum):
    """Why, in the form that conditions, Events and metric labels share."""

    ERROR_RATE_CRITICAL = "ErrorRateCritical", "The error rate is above ``errorRate.critical``."
    ERROR_RATE_ABOVE_STABLE = (
        "ErrorRateAboveStable",
        "The error rate is above stable's over the same time.",
    )
    ERROR_RATE_WARNING = "ErrorRateWarning", "The error rate is above ``errorRate.warning``."
    CLIENT_ERRORS_ABOVE_STABLE = (
        "ClientErrorsAboveStable",
        "More requests are answered 4xx than on stable.",
    )
    LATENCY_CRITICAL = "LatencyCritical", "The latency is above its critical threshold."
    LATENCY_WARNING = "LatencyWarning", "The latency is above its warning threshold."
    LATENCY_ABOVE_STABLE = "LatencyAboveStable", "The latency is above stable's over the same time."
    CACHE_HIT_RATE_LOW = (
        "CacheHitRateLow",
        "The cache answers less often than ``cacheHitRate.warning``.",
    )
    BREAKER_OPEN = "BreakerOpen", "A provider's circuit breaker is open."
    CANDIDATE_UNAVAILABLE = "CandidateUnavailable", "The candidate is gone while stable answers."
    QUERY_OUT_OF_BOUNDS = "QueryOutOfBounds", "A query of the user's own is out of its bounds."
    SHARED_FAILURE = "SharedFailure", "Stable fails the same way: nobody is blamed."
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence", "Nothing is proven yet."
    NO_SAMPLES = "NoSamples", "No usable reading came."
    ERROR_RATE_BELOW_WARNING = (
        "ErrorRateBelowWarning",
        "The error rate is proven to be below its warning.",
    )
    CHECKS_PASSED = "ChecksPassed", "The threshold mode's checks passed."
    CHECKS_FAILED = "ChecksFailed", "The threshold mode's checks failed."
    ALERT_FIRED = "AlertFired", "An alert blames the release."


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

    reason: VerdictReason
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
    reason: VerdictReason
    message: str
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[Warned, ...] = ()
    shared: bool = False
    step_requests: int = 0
    step_seconds: float = 0.0
