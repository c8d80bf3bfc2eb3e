"""The runbook's four common issues: which goes on, and what explains it.

For each symptom the causes are looked for in the order in which the runbook sends a person to them.
Numbers are rounded, so that a state that lasts says the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.api.fields import clip
from spark_operator.api.status.status import MAX_FINDINGS, Finding
from spark_operator.api.values import fraction, seconds
from spark_operator.core.decide.report.causes import (
    breakers,
    cache,
    keys,
    killed,
    limited_keys,
    pools,
    providers,
    quotas,
    recent_release,
    resources,
    slow_providers,
    unready,
)
from spark_operator.core.decide.report.wording import about, percent
from spark_operator.core.observe.vitals import Trend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.core.decide.draft import RolloutDraft

REQUESTS: Final = ("api_generate_total", "api_export_total")
LATENCY: Final = "spark_generation_duration_seconds_bucket"
FRESH_SECONDS: Final = 5.0
FEWEST_REQUESTS: Final = 20.0
LIMITED_SHARE: Final = 0.05
"""The runbook names no threshold for 429 answers; its warning for errors is taken."""
FEWEST_LIMITED: Final = 5.0
MOST_EACH: Final = 3
"""Findings of one symptom."""
SLOW_SHARE: Final = 0.05
"""More than this share above the bound, and the 95th percentile is above it."""


class Symptom(NamedTuple):
    """One of the runbook's common issues that goes on, and its causes, most telling first."""

    name: str
    seen: str
    causes: tuple[str, ...]


def diagnose(draft: RolloutDraft) -> tuple[Finding, ...]:
    """What the newest round says beside the oldest; what was said before, while there is none.

    Only in the decision that made the round: in the others nothing new is known.
    """
    rounds = draft.observations.rounds
    if len(rounds) < 2 or draft.now - rounds[-1].at > FRESH_SECONDS:
        return draft.status.diagnosis
    trend = Trend(rounds)
    symptoms = (errors(draft, trend), health(trend), slow(draft, trend), limiting(trend))
    found = [finding for symptom in symptoms if symptom for finding in _findings(symptom)]
    return tuple(found[:MAX_FINDINGS])


def _findings(symptom: Symptom) -> Iterator[Finding]:
    nothing = "nothing that is measured explains it: read the pods' logs"
    first, *others = symptom.causes or (nothing,)
    for said in (f"{symptom.seen}: {first}", *others[: MOST_EACH - 1]):
        yield Finding(symptom=symptom.name, message=clip(said))


def errors(draft: RolloutDraft, trend: Trend) -> Symptom | None:
    """High Error Rates: more than the runbook's warning of first attempts answered 5xx."""
    requests = trend.gain(*REQUESTS, attempt="first")
    by_origin = trend.gained(*REQUESTS, by="origin", attempt="first", status_class="5xx")
    failed = sum(count for origin, count in by_origin.items() if origin != "none")
    limit = fraction(draft.spec.analysis.error_rate.warning)
    if requests < FEWEST_REQUESTS or failed <= limit * requests:
        return None
    providers_share = by_origin.get("provider", 0.0) / failed
    seen = (
        f"{percent(failed / requests)} of about {about(requests)} requests failed lately,"
        f" {percent(providers_share)} of them at a provider"
    )
    causes = (
        *keys(trend),
        *breakers(trend),
        *providers(trend),
        *quotas(trend),
        *killed(trend),
        *recent_release(draft),
    )
    return Symptom("HighErrorRates", seen, causes)


def health(trend: Trend) -> Symptom | None:
    """Health Check Failing: pods that do not get ready, or breakers that are not closed."""
    missing, opened = unready(trend), breakers(trend)
    if not missing and not opened:
        return None
    seen = "pods or providers do not pass the health check"
    return Symptom("HealthCheckFailing", seen, (*missing, *keys(trend), *opened, *killed(trend)))


def slow(draft: RolloutDraft, trend: Trend) -> Symptom | None:
    """Slow Response Times: the 95th percentile of generations above the runbook's warning."""
    bound = seconds(draft.spec.analysis.latency_p95.warning)
    counts = {_bound(le): n for le, n in trend.gained(LATENCY, by="le").items()}
    total = counts.get(math.inf, 0.0)
    under = max((n for le, n in counts.items() if le <= bound), default=0.0)
    if total < FEWEST_REQUESTS or total - under <= SLOW_SHARE * total:
        return None
    seen = (
        f"{percent((total - under) / total)} of about {about(total)} generations took longer"
        f" than {draft.spec.analysis.latency_p95.warning}"
    )
    causes = (
        *cache(draft, trend),
        *slow_providers(trend, bound),
        *pools(trend),
        *resources(trend),
        *recent_release(draft),
    )
    return Symptom("SlowResponseTimes", seen, causes)


def limiting(trend: Trend) -> Symptom | None:
    """Rate Limiting Issues: users are answered 429."""
    requests = trend.gain(*REQUESTS, attempt="first")
    refused = trend.gain("spark_rate_limited_total")
    if refused < FEWEST_LIMITED or refused <= LIMITED_SHARE * (requests + refused):
        return None
    seen = f"about {about(refused)} requests were answered 429 lately"
    return Symptom("RateLimiting", seen, limited_keys(trend))


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
