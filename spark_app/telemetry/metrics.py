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
from spark_app.core.provider import PROVIDERS, Provider
from spark_app.telemetry.diagnostics import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_app.errors import Origin

__all__ = ["Attempt", "Family", "Metrics", "Outcome", "Severity"]

Family = Literal["generate", "export"]
Attempt = Literal["first", "retry"]
Severity = Literal["warning", "error", "critical"]
Outcome = Literal["success", "invalid", "error", "timeout", "rate_limited", "unauthorized"]

DEPENDENCIES = ("redis", "database", "nats", "error_tracking")
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)
QUANTILES = ((0.5, 0.01), (0.95, 0.005), (0.99, 0.001))
OVERHEAD_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_RESULTS: tuple[tuple[str, Origin], ...] = (
    ("2xx", "none"),
    ("4xx", "client"),
    ("5xx", "app"),
    ("5xx", "provider"),
    ("5xx", "none"),
)

_HELP = {
    "api_generate": "Generations asked for, by class of status, who is to blame, and attempt",
    "api_export": "Exports asked for, by class of status, who is to blame, and attempt",
    "errors": "What went wrong, by severity and who is to blame",
    "spark_generation": "Calls to a provider, by how they ended",
    "spark_provider_retries": "Calls repeated at the same provider",
    "spark_provider_failovers": "Calls that went on to the next provider",
    "spark_coalesced_requests": "Requests that joined an identical one in flight",
    "spark_repairs": "Scripts sent back to a model with their mistakes, by how that ended",
    "spark_rate_limit_degraded": "Requests counted by the pod alone, because Redis was away",
    "spark_rate_limited": "Requests refused with 429",
    "spark_shed_requests": "Requests turned away because the process had too much to do",
    "spark_events_dropped": "Records that found no place in the queue of a receiver that is away",
    "spark_dependency_failures": "Failures of what the service depends on",
    "spark_cache_requests": "Looks into the cache, by result",
    "spark_circuit_breaker_failures": "Calls that counted against a provider's breaker",
    "spark_inflight_requests": "Requests being served",
    "spark_generation_duration_seconds": "Wall time of a generation, but of 4xx and of maintenance",
    "api_export_duration_seconds": "Wall time of an export, but of 4xx and of maintenance",
    "spark_generation_duration_ms": "Wall time of a generation in milliseconds, with quantiles",
    "api_export_duration_ms": "Wall time of an export in milliseconds, with quantiles",
    "spark_overhead_seconds": "Time of a generation that was not spent waiting for a provider",
    "spark_circuit_breaker_state": "1 for the state that the provider's breaker is in",
    "spark_live_file_good": "1 while the content of a mounted file is in force, else 0",
    "spark_database_pool": "Connections to PostgreSQL",
    "spark_cache_hit_ratio": "Hits / looks into the cache since start",
    "spark_release_info": "Always 1",
}


class Metrics:
    """One process's metrics, in a registry of its own.

    Args:
        release: hash of the release, for `spark_release_info`.
        version: version of the image.
        key_ids: whether key ids are named.
    """

    def __init__(self, release: str, version: str, *, key_ids: bool = True) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._requests()
        self._providers()
        self._around()
        self.diagnostics = Diagnostics(self.registry, key_ids=key_ids)
        self._hits = 0
        self._misses = 0
        self._gauge("spark_cache_hit_ratio").set_function(self._hit_ratio)
        self._gauge("spark_release_info", "release", "version").labels(release, version).set(1)
        self._expose_zeroes()

    def _requests(self) -> None:
        self.requests: dict[Family, Counter] = {
            "generate": self._counter("api_generate", "status_class", "origin", "attempt"),
            "export": self._counter("api_export", "status_class", "origin", "attempt"),
        }
        self.errors = self._counter("errors", "severity", "origin")
        self.inflight = self._gauge("spark_inflight_requests")
        self._seconds = {
            "generate": self._histogram("spark_generation_duration_seconds", BUCKETS),
            "export": self._histogram("api_export_duration_seconds", BUCKETS),
        }
        self._milliseconds = {
            "generate": self._summary("spark_generation_duration_ms"),
            "export": self._summary("api_export_duration_ms"),
        }
        self.overhead = self._histogram("spark_overhead_seconds", OVERHEAD_BUCKETS)
        self.limits_degraded = self._counter("spark_rate_limit_degraded")
        self.limited = self._counter("spark_rate_limited")
        self.shed = self._counter("spark_shed_requests")

    def _providers(self) -> None:
        self.generations = self._counter("spark_generation", "provider", "outcome")
        self.retries = self._counter("spark_provider_retries", "provider")
        self.failovers = self._counter("spark_provider_failovers", "provider")
        self.coalesced = self._counter("spark_coalesced_requests")
        self.repairs = self._counter("spark_repairs", "result")
        self.breaker_failures = self._counter("spark_circuit_breaker_failures", "provider")
        self.breaker_state = self._gauge("spark_circuit_breaker_state", "provider", "state")

    def _around(self) -> None:
        self.cache = self._counter("spark_cache_requests", "result")
        self.dropped = self._counter("spark_events_dropped", "sink")
        self.degraded = self._counter("spark_dependency_failures", "dependency")
        self.live_good = self._gauge("spark_live_file_good", "file")
        self.pool = self._gauge("spark_database_pool", "state")

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
        return Counter(name, _HELP[name], labels, registry=self.registry)

    def _gauge(self, name: str, *labels: str) -> Gauge:
        return Gauge(name, _HELP[name], labels, registry=self.registry)

    def _histogram(self, name: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, _HELP[name], buckets=buckets, registry=self.registry)

    def _summary(self, name: str) -> Summary:
        # Each age bucket is an estimator of its own that every value goes to: two are enough.
        return Summary(
            name, _HELP[name], registry=self.registry, invariants=QUANTILES, age_buckets=2
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
