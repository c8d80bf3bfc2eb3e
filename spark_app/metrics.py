"""What the service counts, by the runbook's names.

Every latency is observed once and published twice: as a Prometheus histogram in seconds, with a
boundary at each of the runbook's thresholds, and as the runbook's `_ms` summary with quantiles.
Every series of a known label set exists from the start, so that a first error is a rise.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_summary import Summary

from spark_app.core.breaker import BreakerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_app.errors import Origin

__all__ = ["PROVIDERS", "Attempt", "Family", "Metrics", "Outcome", "Provider", "Severity"]

Family = Literal["generate", "export"]
Attempt = Literal["first", "retry"]
Severity = Literal["warning", "error", "critical"]
Provider = Literal["claude", "openai"]
Outcome = Literal["success", "invalid", "error", "timeout", "rate_limited", "unauthorized"]

PROVIDERS: tuple[Provider, ...] = get_args(Provider)
DEPENDENCIES = ("redis", "database", "nats", "error_tracking")
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)
QUANTILES = ((0.5, 0.01), (0.95, 0.005), (0.99, 0.001))
_RESULTS: tuple[tuple[str, Origin], ...] = (
    ("2xx", "none"),
    ("4xx", "client"),
    ("5xx", "app"),
    ("5xx", "provider"),
    ("5xx", "none"),
)


class Metrics:
    """One process's metrics, in a registry of its own.

    Args:
        release: hash of the release, for `spark_release_info`.
        version: version of the image.
    """

    def __init__(self, release: str, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.requests: dict[Family, Counter] = {
            "generate": self._counter("api_generate", "status_class", "origin", "attempt"),
            "export": self._counter("api_export", "status_class", "origin", "attempt"),
        }
        self.errors = self._counter("errors", "severity", "origin")
        self.generations = self._counter("spark_generation", "provider", "outcome")
        self.retries = self._counter("spark_provider_retries", "provider")
        self.failovers = self._counter("spark_provider_failovers", "provider")
        self.coalesced = self._counter("spark_coalesced_requests")
        self.repairs = self._counter("spark_repairs", "result")
        self.limits_degraded = self._counter("spark_rate_limit_degraded")
        self.limited = self._counter("spark_rate_limited")
        self.shed = self._counter("spark_shed_requests")
        self.dropped = self._counter("spark_events_dropped", "sink")
        self.live_good = Gauge(
            "spark_live_file_good",
            "1 while the mounted file's content is in force, 0 while its last good one is",
            ["file"],
            registry=self.registry,
        )
        self.pool = Gauge("spark_database_pool", "Connections", ["state"], registry=self.registry)
        self.overhead = Histogram(
            "spark_overhead_seconds",
            "Time of a generation that was not spent waiting for a provider",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
            registry=self.registry,
        )
        self.degraded = self._counter("spark_dependency_failures", "dependency")
        self.cache = self._counter("spark_cache_requests", "result")
        self.breaker_failures = self._counter("spark_circuit_breaker_failures", "provider")
        self.breaker_state = Gauge(
            "spark_circuit_breaker_state",
            "1 for the state that the provider's breaker is in",
            ["provider", "state"],
            registry=self.registry,
        )
        self.inflight = Gauge(
            "spark_inflight_requests", "Requests being served", registry=self.registry
        )
        self._seconds = {
            "generate": self._histogram("spark_generation_duration_seconds"),
            "export": self._histogram("api_export_duration_seconds"),
        }
        self._milliseconds = {
            "generate": self._summary("spark_generation_duration_ms"),
            "export": self._summary("api_export_duration_ms"),
        }
        self._hits = 0
        self._misses = 0
        Gauge(
            "spark_cache_hit_ratio", "Hits / requests since start", registry=self.registry
        ).set_function(self._hit_ratio)
        info = Gauge(
            "spark_release_info", "Always 1", ["release", "version"], registry=self.registry
        )
        info.labels(release, version).set(1)
        self._expose_zeroes()

    def observe(self, family: Family, seconds: float) -> None:
        """Record how long one request took."""
        self._seconds[family].observe(seconds)
        self._milliseconds[family].observe(seconds * 1000.0)

    def cache_result(self, *, hit: bool) -> None:
        """Record one look into the cache."""
        self._hits += hit
        self._misses += not hit
        self.cache.labels("hit" if hit else "miss").inc()

    def watch_breaker(self, provider: Provider, state: Callable[[], BreakerState]) -> None:
        """Publish a breaker's state as one-hot gauges, read when scraped."""

        def is_in(wanted: BreakerState) -> Callable[[], float]:
            return lambda: float(state() is wanted)

        for wanted in BreakerState:
            self.breaker_state.labels(provider, wanted.value).set_function(is_in(wanted))

    def render(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)

    def _hit_ratio(self) -> float:
        looked = self._hits + self._misses
        return self._hits / looked if looked else math.nan

    def _counter(self, name: str, *labels: str) -> Counter:
        return Counter(name, f"Count of {name.replace('_', ' ')}", labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        return Histogram(name, "Wall time, not of 4xx", buckets=BUCKETS, registry=self.registry)

    def _summary(self, name: str) -> Summary:
        # Each age bucket is an estimator of its own that every value goes to: two are enough.
        return Summary(
            name,
            "Wall time, not of 4xx",
            registry=self.registry,
            invariants=QUANTILES,
            age_buckets=2,
        )

    def _expose_zeroes(self) -> None:
        for counter in self.requests.values():
            for (status_class, origin), attempt in product(_RESULTS, get_args(Attempt)):
                counter.labels(status_class, origin, attempt)
        for labels in product(get_args(Severity), ("client", "app", "provider")):
            self.errors.labels(*labels)
        for provider in PROVIDERS:
            self.breaker_failures.labels(provider)
            self.retries.labels(provider)
            self.failovers.labels(provider)
            self.watch_breaker(provider, lambda: BreakerState.CLOSED)
            for outcome in get_args(Outcome):
                self.generations.labels(provider, outcome)
        for result in ("hit", "miss"):
            self.cache.labels(result)
        for result in ("repaired", "failed"):
            self.repairs.labels(result)
        for dependency in DEPENDENCIES:
            self.degraded.labels(dependency)
