"""The operator's metrics on rollouts, as a scrape reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from spark_operator.api.fields import to_time
from spark_operator.api.status.status import (
    Exposure,
    HistoryEntry,
    MaintenanceStatus,
    VerdictStatus,
    Weight,
)
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.memory import Memory, ReconcileResult
from spark_operator.runtime.telemetry import Telemetry
from tests.unit.operator.core.builders import IMAGES, NOW, name, status

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus

KEY = Key("production", "spark")
OTHER = Key("staging", "spark")


def reconcile(
    telemetry: Telemetry,
    before: SparkDeploymentStatus,
    after: SparkDeploymentStatus,
    key: Key = KEY,
) -> None:
    telemetry.observe_reconcile(
        key, 0.1, "done", ReconcileResult(None, Memory(), statuses=(before, after))
    )


def read(telemetry: Telemetry, metric: str, **labels: str) -> float | None:
    wanted = {"namespace": KEY.namespace, "name": KEY.name, **labels}
    for family in text_string_to_metric_families(telemetry.page().decode()):
        for sample in family.samples:
            if sample.name == f"spark_deployment_{metric}" and sample.labels == wanted:
                return sample.value
    return None


def entry(version: int, outcome: str, reason: str = "Passed", at: float = 0.0) -> HistoryEntry:
    return HistoryEntry.model_validate(
        {
            "release": name(version),
            "image": IMAGES[version],
            "outcome": outcome,
            "started_at": to_time(NOW - 60),
            "ended_at": to_time(NOW + at),
            "reason": reason,
        }
    )


ON_TRIAL = status("Progressing", candidate=2, weight=25, step=1)
CUT = status(
    "RollingBack",
    candidate=2,
    history=(entry(2, "Failed", "ErrorRateCritical"),),
    exposure=Exposure(release=name(2), seconds=9.0, requests=120, errors=60),
)


def test_phase_and_weight_are_those_of_the_last_status() -> None:
    telemetry = Telemetry()
    reconcile(telemetry, status("Pending"), ON_TRIAL)
    now = ON_TRIAL.model_copy(
        update={"phase": "Promoting", "weight": Weight(desired=100, actual=50)}
    )
    reconcile(telemetry, ON_TRIAL, now)
    assert read(telemetry, "phase", phase="Promoting") == 1
    assert read(telemetry, "phase", phase="Progressing") is None
    assert read(telemetry, "weight_percent", kind="desired") == 100
    assert read(telemetry, "weight_percent", kind="actual") == 50


def test_a_rollback_is_counted_once_with_what_it_cost() -> None:
    telemetry = Telemetry()
    reconcile(telemetry, ON_TRIAL, CUT)
    reconcile(telemetry, CUT, CUT)
    reconcile(telemetry, CUT, CUT.model_copy(update={"phase": "RolledBack"}))
    assert read(telemetry, "rollbacks_total", reason="ErrorRateCritical") == 1
    assert read(telemetry, "releases_total", outcome="Failed") == 1
    assert read(telemetry, "exposure_seconds") == 9
    assert read(telemetry, "exposure_requests") == 120
    assert read(telemetry, "exposure_errors") == 60
    assert read(telemetry, "restore_seconds_count") == 1
    assert read(telemetry, "restore_seconds_bucket", le="10.0") == 1
    assert read(telemetry, "restore_seconds_bucket", le="5.0") == 0


def test_what_an_earlier_process_decided_is_not_counted_again() -> None:
    telemetry = Telemetry()
    reconcile(telemetry, CUT, CUT)
    assert read(telemetry, "rollbacks_total", reason="ErrorRateCritical") is None


def test_a_status_whose_turn_failed_later_is_counted_at_the_next() -> None:
    telemetry = Telemetry()
    reconcile(telemetry, ON_TRIAL, ON_TRIAL)
    telemetry.observe_reconcile(KEY, 0.1, "conflict", None)
    reconcile(telemetry, CUT, CUT)
    assert read(telemetry, "rollbacks_total", reason="ErrorRateCritical") == 1


def test_a_promotion_counts_as_a_release_and_no_rollback() -> None:
    telemetry = Telemetry()
    after = status("Guarding", stable=2, previous=1, history=(entry(2, "Promoted"),))
    reconcile(telemetry, ON_TRIAL, after)
    assert read(telemetry, "releases_total", outcome="Promoted") == 1
    assert b"spark_deployment_rollbacks_total{" not in telemetry.page()


def test_verdicts_are_counted_when_they_are_written() -> None:
    telemetry = Telemetry()
    said = VerdictStatus(verdict="Continue", reason="NotEnoughEvidence", at=to_time(NOW))
    first = ON_TRIAL.model_copy(update={"verdict": said})
    again = said.model_copy(update={"at": said.at + timedelta(seconds=10)})
    reconcile(telemetry, ON_TRIAL, first)
    reconcile(telemetry, first, first)
    reconcile(telemetry, first, first.model_copy(update={"verdict": again}))
    found = read(telemetry, "verdicts_total", verdict="Continue", reason="NotEnoughEvidence")
    assert found == 2


def test_maintenance_and_quarantine_are_shown() -> None:
    telemetry = Telemetry()
    window = MaintenanceStatus(state="Active", since=to_time(NOW), begins=to_time(NOW))
    reconcile(telemetry, ON_TRIAL, ON_TRIAL.model_copy(update={"maintenance": window}))
    assert read(telemetry, "maintenance") == 1
    assert read(telemetry, "quarantined_releases") == 0


def test_a_resource_that_is_gone_leaves_nothing_and_others_stay() -> None:
    telemetry = Telemetry()
    reconcile(telemetry, ON_TRIAL, CUT)
    reconcile(telemetry, ON_TRIAL, CUT, OTHER)
    telemetry.observe_reconcile(KEY, 0.1, "gone", None)
    page = telemetry.page().decode()
    assert 'namespace="production"' not in page
    assert 'spark_deployment_phase{name="spark",namespace="staging"' in page
