"""The operator's own metrics."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from spark_operator.reconcile.urgency import Urgency
from spark_operator.runtime.rollout_metrics import Rollouts

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key
    from spark_operator.ports.metrics import Metrics, Reading, Target
    from spark_operator.reconcile.memory import ReconcileResult

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Telemetry:
    """A count of reconciles, and the longest reconcile under way when asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = self._counter(
            "spark_operator_turns", "Reconciles of the reconcile loop.", "outcome"
        )
        self._seconds = self._histogram("spark_operator_turn_seconds", "Duration of a reconcile.")
        self._longest = self._gauge(
            "spark_operator_longest_turn_seconds", "Age of the oldest reconcile under way."
        )
        self._internal_errors = self._counter(
            "spark_operator_internal_errors",
            "Parts of a reconcile that raised an error of the operator's own.",
            "part",
        )
        self._notifications = self._counter(
            "spark_operator_notifications",
            "Notifications by kind of channel: delivered, failed attempts, and dropped ones.",
            "channel",
            "outcome",
        )
        self._sampling = self._histogram(
            "spark_operator_sampling_seconds", "Duration of one reading of a resource's pods."
        )
        self._rollouts = Rollouts(self.registry)
        self._alerts = self._counter(
            "spark_operator_alerts", "Alerts that were pushed in, by what came of them.", "outcome"
        )
        self._events = self._counter(
            "spark_operator_events",
            "Kubernetes Events: written, refused, or dropped for want of room.",
            "outcome",
        )
        self._waiting = self._gauge(
            "spark_operator_waiting",
            "Reconciles that wait for their place, by how urgent they are.",
            "urgency",
        )
        self._waited = self._histogram(
            "spark_operator_waited_seconds",
            "How long a reconcile that reads the API server waited for its place.",
            "urgency",
        )
        self._scrapes = self._counter(
            "spark_operator_scrapes",
            "Pods' pages: read, missed, or late by the operator's own fault.",
            "outcome",
        )
        self._lag = self._histogram(
            "spark_operator_loop_lag_seconds",
            "By how much a timer of the event loop came too late, every 0.1 s.",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=BUCKETS, registry=self.registry)

    def observe_scrape(self, outcome: str) -> None:
        """Count one page of a pod."""
        self._scrapes.labels(outcome=outcome).inc()

    def observe_lag(self, seconds: float) -> None:
        """Observe the event loop's lateness once."""
        self._lag.observe(seconds)

    def observe_event(self, outcome: str) -> None:
        """Count one Event."""
        self._events.labels(outcome=outcome).inc()

    def observe_waiting(self, urgency: Urgency, seconds: float) -> None:
        """Observe how long one reconcile waited for its place."""
        self._waited.labels(urgency=urgency.name.lower()).observe(seconds)

    def track_waiting(self, waiting: Callable[[Urgency], int]) -> None:
        """Read how many wait from ``waiting`` at each scrape."""
        for urgency in Urgency:
            gauge = self._waiting.labels(urgency=urgency.name.lower())
            gauge.set_function(partial(waiting, urgency))

    def observe_alert(self, outcome: str) -> None:
        """Count one alert that was pushed in."""
        self._alerts.labels(outcome=outcome).inc()

    def observe_reconcile(
        self, key: Key, seconds: float, outcome: str, result: ReconcileResult | None
    ) -> None:
        """Count one reconcile, and show what it decided."""
        self._reconciles.labels(outcome=outcome).inc()
        for part in result.failed_parts if result is not None else ():
            self._internal_errors.labels(part=part).inc()
        self._seconds.observe(max(0.0, seconds))
        if result is not None and result.statuses is not None:
            self._rollouts.follow(key, *result.statuses)
        elif outcome == "gone":
            self._rollouts.forget(key)

    def timed(self, metrics: Metrics, clock: Clock) -> Metrics:
        """Return the same port, with the duration of every reading observed."""
        return _Timed(metrics, clock, self._sampling)

    def observe_notification(self, kind: str, outcome: str) -> None:
        """Count one attempt on a kind of channel, or one notification that was given up."""
        self._notifications.labels(channel=kind, outcome=outcome).inc()

    def track_longest(self, longest: Callable[[], float]) -> None:
        """Read the longest reconcile from ``longest`` at each scrape."""
        self._longest.set_function(longest)

    def page(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Timed:
    """A ``Metrics`` port whose readings are timed."""

    def __init__(self, metrics: Metrics, clock: Clock, seconds: Histogram) -> None:
        self._metrics = metrics
        self._clock = clock
        self._seconds = seconds

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """See ``Metrics.read``."""
        began = self._clock.now()
        try:
            return await self._metrics.read(targets)
        finally:
            self._seconds.observe(max(0.0, self._clock.now() - began))
