"""``spec.analysis``: when a release is good and when it is bad."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.cel import between, is_percent, percent, rule, rules
from spark_operator.api.values import Duration, Percent


class ErrorRate(Model):
    """Share of requests answered 5xx."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                f"!{is_percent('self.warning')} || !{is_percent('self.critical')}"
                f" || {percent('self.warning')} <= {percent('self.critical')}",
                "warning is above critical: lower errorRate.warning or raise errorRate.critical",
                field=".warning",
            )
        )
    )

    warning: Percent = Field("5%", description="Above this the weight is held.")
    critical: Percent = Field("10%", description="Above this the release is rolled back.")


class LatencyP95(Model):
    """95th percentile of a generation's duration."""

    warning: Duration = Field(
        "10s",
        description="Above this the weight is held.",
        json_schema_extra=between("1ms", "10m"),
    )


class CacheHitRate(Model):
    """Share of generations answered from the cache."""

    warning: Percent = Field("50%", description="Below this a warning is shown.")


class BreakerOpen(Model):
    """How long a provider's circuit breaker may stay open."""

    critical: Duration = Field(
        "5m", description="Open this long: critical.", json_schema_extra=between("1s", "24h")
    )
    candidate_only: Duration = Field(
        "30s",
        description="Open this long on the candidate while stable's is closed: roll back.",
        json_schema_extra=between("1s", "24h"),
    )


class PodsSource(Model):
    """Metrics are read from the pods' own endpoint."""


class Source(Model):
    """Where the judge's numbers come from."""

    pods: PodsSource = Field(PodsSource(), description="Read each pod's /api/metrics.")


class Analysis(Model):
    """When a release is good, when it is bad; the defaults are the runbook's thresholds."""

    mode: Literal["Evidence", "Threshold"] = Field(
        "Evidence",
        description="Evidence: sequential tests on counts. Threshold: plain rates per interval.",
    )
    sensitivity: Literal["fast", "balanced", "robust"] = Field(
        "balanced", description="How soon evidence is believed; see docs/judge.md."
    )
    source: Source = Field(Source(), description="Where the numbers come from.")
    error_rate: ErrorRate = Field(ErrorRate(), description="Thresholds of the error rate.")
    latency_p95: LatencyP95 = Field(LatencyP95(), description="Threshold of the 95th percentile.")
    cache_hit_rate: CacheHitRate = Field(CacheHitRate(), description="Threshold of cache hits.")
    breaker_open: BreakerOpen = Field(BreakerOpen(), description="Bounds of an open breaker.")
