"""The operator's own metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.ports import Key

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Telemetry:
    """Counts turns, and tells the longest turn under way when asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._turns = Counter(
            "spark_operator_turns",
            "Turns of the reconcile loop.",
            ["outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "spark_operator_turn_seconds",
            "Duration of a turn.",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._longest = Gauge(
            "spark_operator_longest_turn_seconds",
            "Age of the oldest turn under way.",
            registry=self.registry,
        )
        self._notifications = Counter(
            "spark_operator_notifications",
            "Notifications by kind of channel: delivered, failed attempts, and dropped ones.",
            ["channel", "outcome"],
            registry=self.registry,
        )

        self._alerts = Counter(
            "spark_operator_alerts",
            "Alerts that were pushed in, by what came of them.",
            ["outcome"],
            registry=self.registry,
        )

    def observe_alert(self, outcome: str) -> None:
        """Count one alert that was pushed in."""
        self._alerts.labels(outcome=outcome).inc()

    def observe_turn(self, _: Key, seconds: float, outcome: str) -> None:
        """Count one turn."""
        self._turns.labels(outcome=outcome).inc()
        self._seconds.observe(max(0.0, seconds))

    def observe_notification(self, kind: str, outcome: str) -> None:
        """Count one attempt on a kind of channel, or one notification that was given up."""
        self._notifications.labels(channel=kind, outcome=outcome).inc()

    def track_longest(self, longest: Callable[[], float]) -> None:
        """Read the longest turn from ``longest`` at each scrape."""
        self._longest.set_function(longest)

    def page(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
