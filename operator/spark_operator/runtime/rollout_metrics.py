"""Metrics on what is rolled out: read from each status that was persisted.

Counters count what this process decided, so they begin at 0 in every process, as Prometheus
expects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from prometheus_client.metrics import MetricWrapperBase

    from spark_operator.api.status.status import HistoryEntry, SparkDeploymentStatus
    from spark_operator.ports.cluster import Key

RESOURCE: Final = ("namespace", "name")
RESTORE_BUCKETS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600)
FAILED: Final = frozenset({"Failed", "Inconclusive", "Aborted"})


class Rollouts:
    """One label set for each resource that there is; those of one that is gone go with it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Enter the metrics into ``registry``."""
        self._registry = registry
        self._last: dict[Key, SparkDeploymentStatus] = {}
        self._phase = self._gauge("phase", "1 for the phase a resource is in.", "phase")
        self._weight = self._gauge(
            "weight_percent", "Share of traffic of the release on trial.", "kind"
        )
        self._maintenance = self._gauge("maintenance", "1 while users are answered 503 on purpose.")
        self._quarantined = self._gauge("quarantined_releases", "Releases that get no traffic.")
        self._exposure = {
            "seconds": self._gauge(
                "exposure_seconds", "From the last failed release's first traffic to the cut."
            ),
            "requests": self._gauge(
                "exposure_requests", "Requests that the last failed release answered."
            ),
            "errors": self._gauge("exposure_errors", "Those that it answered 5xx."),
        }
        self._verdicts = self._counter(
            "verdicts",
            "Verdicts as written to status: each new one, and every 10 s.",
            "verdict",
            "reason",
        )
        self._rollbacks = self._counter(
            "rollbacks", "Releases that were taken off without becoming stable.", "reason"
        )
        self._releases = self._counter(
            "releases", "Rollouts that ended, for the change-failure rate.", "outcome"
        )
        self._restore = Histogram(
            "spark_deployment_restore_seconds",
            "From a failed release's first traffic to the cut.",
            RESOURCE,
            buckets=RESTORE_BUCKETS,
            registry=registry,
        )

    def follow(self, key: Key, before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> None:
        """Show a status that was persisted, and count what is new in it.

        Args:
            key: the resource.
            before: its status before the reconcile, from which is counted if nothing was shown yet.
            after: its status after it.
        """
        last = self._last.get(key, before)
        if key in self._last and last is after:
            return
        self._show(key, last, after)
        self._count(key, last, after)
        self._last[key] = after

    def forget(self, key: Key) -> None:
        """The resource is gone."""
        self._last.pop(key, None)
        metrics: list[MetricWrapperBase] = [
            *(self._phase, self._weight, self._maintenance, self._quarantined),
            *self._exposure.values(),
            *(self._verdicts, self._rollbacks, self._releases, self._restore),
        ]
        for metric in metrics:
            metric.remove_by_labels({"namespace": key.namespace, "name": key.name})

    def _show(self, key: Key, last: SparkDeploymentStatus, now: SparkDeploymentStatus) -> None:
        if last.phase != now.phase and key in self._last:
            self._phase.remove(*key, last.phase)
        self._phase.labels(*key, now.phase).set(1)
        self._weight.labels(*key, "desired").set(now.weight.desired)
        self._weight.labels(*key, "actual").set(now.weight.actual)
        closed = now.maintenance is not None and now.maintenance.state == "Active"
        self._maintenance.labels(*key).set(closed)
        self._quarantined.labels(*key).set(len(now.quarantine))
        if now.exposure is not None:
            for name, gauge in self._exposure.items():
                gauge.labels(*key).set(getattr(now.exposure, name))

    def _count(self, key: Key, last: SparkDeploymentStatus, now: SparkDeploymentStatus) -> None:
        said = now.verdict
        if said is not None and (last.verdict is None or said.at != last.verdict.at):
            self._verdicts.labels(*key, said.verdict, said.reason).inc()
        for entry in _ended(last, now):
            self._releases.labels(*key, entry.outcome).inc()
            if entry.outcome not in FAILED:
                continue
            self._rollbacks.labels(*key, entry.reason).inc()
            cost = now.exposure
            if cost is not None and cost.release == entry.release and cost.seconds > 0:
                self._restore.labels(*key).observe(cost.seconds)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(
            f"spark_deployment_{name}", text, [*RESOURCE, *labels], registry=self._registry
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(
            f"spark_deployment_{name}", text, [*RESOURCE, *labels], registry=self._registry
        )


def _ended(last: SparkDeploymentStatus, now: SparkDeploymentStatus) -> list[HistoryEntry]:
    """Rollouts that ended since: the history's newest entries, down to the last one known."""
    known = {(entry.release, entry.ended_at) for entry in last.history}
    return [entry for entry in now.history if (entry.release, entry.ended_at) not in known]
