"""What the rig for many resources makes of what it sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.scale.fleet import Track
from bench.scale.measures import lateness, quantile
from bench.scale.pages import REQUESTS_PER_SECOND, Fleet, Simulated, Template
from bench.scale.report import plot, table
from bench.scale.watched import Audit
from spark_operator.adapters.metrics.exposition import counters

if TYPE_CHECKING:
    from pathlib import Path


def tried(began: float, ended: float) -> Track:
    return Track("Stable", "image", since={"Progressing": began, "Stable": ended})


def test_a_look_is_late_by_what_it_took_longer_than_a_tick() -> None:
    late, unread = lateness([{"owner": "a/b", "at": [10.0, 11.0, 13.5]}], {"a/b": tried(9.0, 14.0)})
    assert (late, unread) == ([0.0, 1.5, 0.0], 0)


def test_looks_that_never_came_are_as_late_as_the_trials_end() -> None:
    late, _ = lateness([{"owner": "a/b", "at": [10.0]}], {"a/b": tried(9.0, 30.0)})
    assert late == [19.0]


def test_what_is_read_after_the_trial_is_not_late() -> None:
    reads = [{"owner": "a/b", "at": [10.0, 11.0, 90.0]}]
    assert lateness(reads, {"a/b": tried(9.5, 11.2)}) == ([0.0, 0.0], 0)


def test_a_trial_that_nobody_looked_at_is_told() -> None:
    assert lateness([], {"a/b": tried(9.0, 30.0), "a/c": Track("Pending")}) == ([], 1)


def test_a_trial_ends_with_the_next_phase() -> None:
    track = Track(since={"Pending": 1.0, "Progressing": 2.0, "RollingBack": 5.0, "RolledBack": 6.0})
    assert track.trial == (2.0, 5.0)
    assert Track(since={"Progressing": 2.0}).trial is None


def test_quantiles() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.99) == 3.0
    assert quantile([float(n) for n in range(101)], 0.99) == pytest.approx(99.0)


@pytest.mark.parametrize(("image", "failed"), [("spark-trial-faulty", 0.5), ("spark-first", 0.003)])
def test_a_page_is_what_the_operator_counts(image: str, failed: float) -> None:
    page = Template().page(Simulated(image, "a/b", since=100.0), now=200.0)
    found = counters(page)
    assert found.requests == 100 * REQUESTS_PER_SECOND
    assert found.failures_app == 100 * REQUESTS_PER_SECOND * failed
    assert found.latency_buckets is not None
    assert found.latency_buckets[-1][1] == found.requests


def test_pods_come_and_go() -> None:
    fleet = Fleet()
    pod: dict[str, Any] = {
        "metadata": {"namespace": "a", "labels": {"spark.dev/deployment": "b"}},
        "spec": {"containers": [{"image": "one"}]},
        "status": {"podIP": "127.64.0.1"},
    }
    fleet.take("ADDED", pod)
    fleet.pods["127.64.0.1"].reads.append(5.0)
    fleet.take("DELETED", pod)
    assert fleet.stats() == {"pods": 0, "scrapes": 0, "reads": [{"owner": "a/b", "at": [5.0]}]}


def test_the_audit_is_read_on(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text("")
    audit = Audit(log)
    events = [
        {"verb": "list", "objectRef": {"resource": "pods"}, "responseStatus": {"code": 200}},
        {"verb": "list", "objectRef": {"resource": "pods"}, "responseStatus": {"code": 429}},
    ]
    log.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"verb": "ha')
    found = audit.read()
    assert (found.requests, found.by["list pods"], found.refused) == (2, 2, 1)
    assert audit.read().requests == 0


def test_the_report_has_a_row_for_each_number_and_what_failed() -> None:
    results = {
        "before": [{"resources": 500, "start": {"seconds": None}, "notes": ["never\n started"]}],
        "after": [
            {"resources": 1, "start": {"seconds": 1.0}},
            {"resources": 500, "start": {"seconds": 10.0}},
        ],
    }
    lines = table(results).splitlines()
    assert len(lines) == 2 + 3 + 2
    assert lines[-1] == "- before, 500 resources: never started"
    assert plot(results).count("<circle") == 2 + 2
