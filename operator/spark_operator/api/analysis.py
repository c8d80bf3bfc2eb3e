"""``spec.analysis``: when a release is good and when it is bad."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import between, explained, is_percent, percent, rule, rules
from spark_operator.api.notifications import MountedSecretRef
from spark_operator.api.values import Duration, Percent

MAX_QUERIES: Final = 8
PLACEHOLDERS: Final = ("namespace", "name", "stable", "candidate")
"""What a query may hold in double braces."""


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


LabelName = Annotated[
    str,
    Field(
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$",
        max_length=64,
        json_schema_extra=explained(
            "not the name of a label: use letters, digits and _, not starting with a digit"
        ),
    ),
]
Bound = Annotated[float, Field(ge=-1e15, le=1e15)]


class PrometheusSource(Model):
    """Metrics are read from a Prometheus that scrapes the pods."""

    address: str = Field(
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        max_length=512,
        description="Address before /api/v1/query, such as http://prometheus.monitoring:9090.",
        json_schema_extra=explained(
            "not an address: write http:// or https:// and a host, without credentials and query"
        ),
    )
    token_ref: MountedSecretRef | None = Field(
        None,
        description="Bearer token: a file of a Secret that is mounted into the operator's pod and"
        " lists this address in its key allowed-addresses.",
    )
    query_timeout: Duration = Field(
        "1s",
        description="Longest time one query may take.",
        json_schema_extra=between("100ms", "2s"),
    )
    scrape_interval: Duration = Field(
        "5s",
        description="How often it scrapes the pods; samples older than three times this, and than"
        " 10s, are no data.",
        json_schema_extra=between("1s", "60s"),
    )
    pod_label: LabelName = Field("pod", description="Label that holds a pod's name.")
    namespace_label: LabelName = Field(
        "namespace", description="Label that holds a pod's namespace."
    )


class Source(Model):
    """Where the judge's numbers come from: the pods, where nothing else is named.

    A default of ``pods: {}`` would stay in the object, and be in the way of a Prometheus later.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.pods) && has(self.prometheus))",
                "two sources are named: set pods: {} or prometheus: {address: URL}, not both",
            )
        )
    )

    pods: PodsSource | None = Field(None, description="Read each pod's /api/metrics.")
    prometheus: PrometheusSource | None = Field(None, description="Ask a Prometheus.")


class Query(Model):
    """A PromQL query of the user's, looked at once a second while a release is watched."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.max) || has(self.min)",
                "without a bound nothing is judged: set max, min or both",
            ),
            rule(
                "!has(self.max) || !has(self.min) || self.min <= self.max",
                "min is above max: lower min or raise max",
                field=".min",
            ),
            rule(
                "!has(self.maxRatio) || self.query.contains('{{candidate}}')",
                "to be compared with stable, the query must hold {{candidate}}:"
                " it is asked again with stable's release in that place",
                field=".maxRatio",
            ),
            rule(
                "!self.query"
                + "".join(f".replace('{{{{{name}}}}}', '')" for name in PLACEHOLDERS)
                + ".contains('{{')",
                "unknown placeholder: in double braces write "
                + ", ".join(PLACEHOLDERS[:-1])
                + f" or {PLACEHOLDERS[-1]}",
                field=".query",
            ),
        )
    )

    name: str = Field(
        pattern=r"^[a-z][A-Za-z0-9]*$",
        max_length=32,
        description="Its name in verdicts.",
        json_schema_extra=explained(
            "not a query's name: use letters and digits, starting with a lower case letter"
        ),
    )
    query: str = Field(
        min_length=1,
        max_length=1024,
        description="PromQL with exactly one value; {{namespace}}, {{name}}, {{stable}} and"
        " {{candidate}} stand for the resource's namespace and name and the releases' hashes.",
    )
    max: Bound | None = Field(None, description="The value must not be above this.")
    min: Bound | None = Field(None, description="The value must not be below this.")
    max_ratio: float | None = Field(
        None,
        ge=1,
        le=1000,
        description="A breach counts only if the value is also this many times worse than"
        " stable's.",
    )
    action: Literal["Notify", "Hold", "Rollback"] = Field(
        "Rollback", description="What a proven breach does."
    )


class Synthetic(Model):
    """Requests of the operator's own, where users send too few to judge by."""

    max_requests: int = Field(
        100, ge=1, le=10_000, description="Most requests to each release at one step."
    )
    rate: int = Field(4, ge=1, le=100, description="Requests per second to each release.")


class Analysis(Model):
    """When a release is good, when it is bad; the defaults are the runbook's thresholds."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.queries) || size(self.queries) == 0 || has(self.source.prometheus)",
                "queries need a Prometheus to ask: set source.prometheus.address",
                field=".queries",
            )
        )
    )

    mode: Literal["Evidence", "Threshold"] = Field(
        "Evidence",
        description="Evidence: sequential tests on counts. Threshold: plain rates per interval.",
    )
    sensitivity: Literal["fast", "balanced", "robust"] = Field(
        "balanced", description="How soon evidence is believed; see docs/judge.md."
    )
    source: Source = Field(Source(), description="Where the numbers come from.")
    on_low_traffic: Literal["Synthetic", "Pause", "ReadinessOnly"] = Field(
        "Synthetic",
        description="When users send too few requests to judge by: send some, with the key of"
        " verification.apiKey; hold the weight until the deadline; or go by readiness alone.",
    )
    synthetic: Synthetic = Field(Synthetic(), description="Bounds of the operator's own requests.")
    queries: Annotated[tuple[Query, ...], Field(max_length=MAX_QUERIES)] = Field(
        (),
        description="Own queries, beside the metrics above; they need the source prometheus.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    error_rate: ErrorRate = Field(ErrorRate(), description="Thresholds of the error rate.")
    latency_p95: LatencyP95 = Field(LatencyP95(), description="Threshold of the 95th percentile.")
    cache_hit_rate: CacheHitRate = Field(CacheHitRate(), description="Threshold of cache hits.")
    breaker_open: BreakerOpen = Field(BreakerOpen(), description="Bounds of an open breaker.")
