"""What an operator looks at when the service is ill: limits, providers, connections, resources.

None of it decides about a release; the metrics that do are in `metrics`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from spark_app.core.completion import FailureKind
from spark_app.core.provider import PROVIDERS
from spark_app.core.quota import read_quota
from spark_app.core.recent import OTHER, RecentRefusals
from spark_app.telemetry.cgroup import CgroupCollector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from spark_app.core.provider import Provider

__all__ = ["MAX_CONNECTIONS", "Diagnostics"]

BUCKETS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)
WINDOW = 300.0
MAX_CONNECTIONS = 1000
"""Connections to one provider with one key: the SDKs' own bound."""


class Keys(Protocol):
    """A provider and its keys, as far as they are counted here: a ``Pool`` is one."""

    @property
    def name(self) -> Provider:
        """Whose keys they are."""

    @property
    def keys(self) -> int:
        """How many are configured."""

    @property
    def live_keys(self) -> int:
        """How many are not known to be refused."""


class Diagnostics:
    """The metrics; one for each process, in the registry of the others.

    Args:
        key_ids: whether key ids are named.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        key_ids: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._key_ids = key_ids
        self._refusals = RecentRefusals(WINDOW)
        gauge = partial(Gauge, registry=registry)
        self.latency = Histogram(
            "spark_provider_duration_seconds",
            "Time of one call to a provider, until it ended in whatever way",
            ["provider"],
            buckets=BUCKETS,
            registry=registry,
        )
        text = "Calls to a provider that failed, by why"
        labels = ["provider", "kind"]
        self.failures = Counter("spark_provider_failures", text, labels, registry=registry)
        text = "1 where a key of the provider is configured"
        self.key_present = gauge("spark_provider_key_present", text, ["provider"])
        text = "Configured keys that the provider has not refused lately"
        self.keys_accepted = gauge("spark_provider_keys_accepted", text, ["provider"])
        text = "Connections to a provider that calls hold (in_use), and may hold at most (max)"
        self.connections = gauge("spark_provider_connections", text, ["provider", "state"])
        text = "What the provider's last answer said is left of a limit"
        told = ["provider", "resource"]
        self._remaining = gauge("spark_provider_quota_remaining", text, told)
        text = "The limit that the provider's last answer told"
        self._limit = gauge("spark_provider_quota_limit", text, told)
        registry.register(_Limits(self._refusals, clock))
        registry.register(CgroupCollector())
        for provider in PROVIDERS:
            self.latency.labels(provider)
            self.key_present.labels(provider)
            self.keys_accepted.labels(provider)
            for kind in FailureKind:
                self.failures.labels(provider, kind.value)

    def watch(self, pool: Keys) -> None:
        """Publish what a configured provider's pool knows, read when scraped."""
        self.key_present.labels(pool.name).set(1)
        self.keys_accepted.labels(pool.name).set_function(lambda: float(pool.live_keys))
        self.connections.labels(pool.name, "in_use")
        self.connections.labels(pool.name, "max").set(MAX_CONNECTIONS * pool.keys)

    @contextmanager
    def call(self, provider: Provider) -> Iterator[None]:
        """Around one call: it holds a connection until it ends, in whatever way."""
        began = self._clock()
        held = self.connections.labels(provider, "in_use")
        held.inc()
        try:
            yield
        finally:
            held.dec()
            self.latency.labels(provider).observe(self._clock() - began)

    def hit(self, key_id: str, *, allowed: bool, left: float) -> None:
        """A request met its key's limit, of which the share `left` remains."""
        name = key_id if self._key_ids else OTHER
        self._refusals.note(name, allowed=allowed, left=left, now=self._clock())

    def answered(self, provider: Provider, headers: Mapping[str, str]) -> None:
        """A provider answered, with any status; its headers may tell the quota."""
        for resource, quota in read_quota(headers).items():
            self._remaining.labels(provider, resource).set(quota.remaining)
            self._limit.labels(provider, resource).set(quota.limit)


class _Limits(Collector):
    def __init__(self, refusals: RecentRefusals, clock: Callable[[], float]) -> None:
        self._refusals = refusals
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        now = self._clock()
        recent = GaugeMetricFamily(
            "spark_rate_limited_recent",
            "429 answers of the last 2.5 to 5 minutes, by key id: the 20 with the most, and other",
            labels=["key_id"],
        )
        for key_id, count in self._refusals.top(now).items():
            recent.add_metric([key_id], count)
        yield recent
        yield GaugeMetricFamily(
            "spark_rate_limit_remaining_ratio",
            "Smallest share of its limit that a key had left in the last 2.5 to 5 minutes",
            value=self._refusals.lowest(now),
        )
