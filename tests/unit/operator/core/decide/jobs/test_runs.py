"""Jobs: what becomes of what they found, and how it decides a rollout."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from spark_operator.api.base import MAX_NAME_LENGTH
from spark_operator.api.fields import to_time
from spark_operator.api.status.runs import MAX_RUNS, CheckStatus, JobKind, JobStatus, SchemaStatus
from spark_operator.core import judge
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.model import jobs
from spark_operator.core.observe import job_report
from spark_operator.core.observe.values import Job
from tests.unit.operator.core.builders import NOW, judged, name, resource, seen, status, workload
from tests.unit.operator.core.decide.cases import (
    FOUR_TWOS,
    GOOD,
    LATE,
    ONE,
    SILENT,
    TWO,
    at,
    guarded,
    under_guard,
)
from tests.unit.operator.core.decide.cases_prepared import (
    CHECKED,
    MIGRATED,
    OLD_SCHEMA,
    before,
    job,
)

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.observe.observations import Observations

THIN = judged(0.0, rate=0.5)
VERIFIED: dict[str, Any] = {"verification": {"enabled": True}}
REPORT = json.dumps(
    {
        "passed": False,
        "checks": [
            {"check": "database", "status": "fail", "detail": "wrong password", "seconds": 0.2},
            {"check": "redis", "status": "pass", "detail": "answers", "seconds": 0.1},
        ],
        "schema": {"current": "0001", "head": "0002"},
    }
)


def decided(
    given: SparkDeploymentStatus, world: Observations, asked: dict[str, str] | None = None,
    **spec: Any,
) -> SparkDeploymentStatus:  # fmt: skip
    return decide(resource(2, given, asked, **spec), world, NOW).status


def of(kind: str, found: SparkDeploymentStatus) -> JobStatus:
    return next(item for item in found.jobs if item.kind == kind)


def world(*found: Job, **more: Any) -> Observations:
    return replace(seen(ONE, **more), jobs={item.name: item for item in found})


def run(entry: JobStatus, **more: Any) -> Job:
    return Job(name=jobs.job_name("spark", entry), run=jobs.run_id(entry), **more)


RUNNING = job("preflight", "Running")


def test_a_report_is_taken_over_with_every_check() -> None:
    ended = run(RUNNING, finished=True, exited=True, report=REPORT)
    after = decided(before("Preflight", RUNNING), world(ended), **CHECKED)
    found = of("preflight", after)
    assert found.state == "Failed"
    assert [(c.check, c.status, c.seconds) for c in found.checks] == [
        ("database", "fail", 0.2),
        ("redis", "pass", 0.1),
    ]
    assert after.failure is not None
    assert (after.failure.reason, after.failure.message) == (
        "PreflightFailed",
        "database: wrong password",
    )
    assert after.failure.outcome == "Inconclusive"
    assert after.quarantine == ()


@pytest.mark.parametrize(
    ("seen_of_it", "state"),
    [
        ({"finished": True, "succeeded": True}, "Passed"),
        ({"finished": True, "exited": True, "report": "Traceback: boom"}, "Failed"),
        ({"finished": True}, "Lost"),
        ({"finished": True, "timed_out": True}, "Failed"),
        ({"finished": False}, "Running"),
    ],
)
def test_a_job_without_a_report_is_taken_by_how_it_ended(
    seen_of_it: dict[str, Any], state: str
) -> None:
    entry = job("migrate", "Running", spec=MIGRATED)
    after = decided(before("Migrating", entry, spec=MIGRATED), world(run(entry, **seen_of_it)))
    ended = of("migrate", after)
    assert (ended.state if ended.attempt == 1 else "Lost") == state


@pytest.mark.parametrize("seconds", ["1" + "0" * 400, "-1", "1e7", "NaN", "Infinity"])
def test_a_duration_that_is_none_spoils_no_report(seconds: str) -> None:
    """Whatever a release's own command writes, it must not keep its release from being cut."""
    text = f'{{"checks": [{{"check": "a", "status": "pass", "seconds": {seconds}}}]}}'
    assert [item.seconds for item in job_report.parse(text).checks] == [0.0]


@pytest.mark.parametrize("kind", get_args(JobKind))
def test_the_longest_name_of_a_job_fits_its_label(kind: JobKind) -> None:
    last = JobStatus(kind=kind, release=name(2), number=MAX_RUNS, started_at=to_time(NOW))
    assert len(jobs.job_name("x" * MAX_NAME_LENGTH, last)) <= 63


def test_the_result_of_an_earlier_run_of_the_same_name_counts_for_nothing() -> None:
    old = replace(run(RUNNING, finished=True, succeeded=True), run="2020-01-01T00:00:00Z")
    after = decided(before("Preflight", RUNNING), world(old), **CHECKED)
    assert of("preflight", after).state == "Running"


def test_a_failed_migration_quarantines_its_release_but_not_its_image() -> None:
    entry = job("migrate", "Failed", spec=MIGRATED)
    after = decided(before("Migrating", entry, spec=MIGRATED), world(), **MIGRATED)
    assert [(item.release, item.digest) for item in after.quarantine] == [
        (name(2, **MIGRATED), None)
    ]


def test_a_migration_knows_where_the_schema_was() -> None:
    checked = job("preflight", spec=MIGRATED, schema_=OLD_SCHEMA)
    given = before("Preflight", checked, spec=MIGRATED)
    after = decided(given, world(), **CHECKED, **MIGRATED)
    assert of("migrate", after).target == "0001"
    assert after.candidate is not None
    assert after.candidate.schema_head == "0002"


def test_an_empty_database_is_a_place_to_go_back_to() -> None:
    empty = SchemaStatus(head="0002")
    given = before("Preflight", job("preflight", spec=MIGRATED, schema_=empty), spec=MIGRATED)
    assert of("migrate", decided(given, world(), **CHECKED, **MIGRATED)).target == "base"


@pytest.mark.parametrize(("how", "state"), [({"timed_out": True}, "Failed"), ({}, "Lost")])
def test_where_a_migration_without_a_result_left_the_schema_is_not_known(
    how: dict[str, Any], state: str
) -> None:
    running = job("migrate", "Running", spec=MIGRATED, schema_=OLD_SCHEMA, target="0001")
    ended = run(running, finished=True, **how)
    given = before("Migrating", running.model_copy(update={"attempt": 3}), spec=MIGRATED)
    after = of("migrate", decided(given, world(ended), **MIGRATED))
    assert (after.state, after.schema_, after.target) == (state, None, "0001")


def test_a_running_migration_is_left_to_end_whatever_the_spec_says_meanwhile() -> None:
    entry = job("migrate", "Running", spec=MIGRATED)
    given = before("Migrating", entry, spec=MIGRATED)
    after = decide(resource(3, given), world(), NOW).status
    assert (after.phase, of("migrate", after).state) == ("Migrating", "Running")


def test_nobody_can_abort_a_running_migration() -> None:
    entry = job("migrate", "Running", spec=MIGRATED)
    given = before("Migrating", entry, spec=MIGRATED)
    after = decided(given, world(), {"spark.dev/abort": "now"}, **MIGRATED)
    assert (after.phase, after.requests[0].result) == ("Migrating", "MigrationRunning")


def test_a_preflight_that_failed_is_repeated_once_the_spec_is_changed() -> None:
    failed = decided(before("Preflight", job("preflight", "Failed")), world(), **CHECKED)
    settled = decided(failed, world(), **CHECKED)
    assert settled.phase == "RolledBack"
    assert decided(settled, world(), **CHECKED).phase == "RolledBack"
    edited = settled.model_copy(update={"observed_generation": 1})
    assert decided(edited, world(), **CHECKED).phase == "Pending"


class TestVerification:
    """What the service's real API says at a step, beside what it says on stable."""

    def step(self, *entries: JobStatus, **spec: Any) -> SparkDeploymentStatus:
        shared = replace(seen(ONE, TWO, route="shared"), judge=GOOD)
        return decided(at(0, 5, jobs=entries), shared, **VERIFIED, **spec)

    def verify(self, state: Any, **more: Any) -> JobStatus:
        return job("verify", state, step=0, **more)

    def test_a_step_that_the_judge_passes_is_verified_before_the_next(self) -> None:
        after = self.step()
        assert after.weight.desired == 5
        assert of("verify", after).target == "http://spark-candidate"

    def test_a_step_that_is_verified_is_left(self) -> None:
        assert self.step(self.verify("Passed")).weight.desired == 25

    def test_its_numbers_are_in_the_ledger(self) -> None:
        entry = self.verify("Running")
        ended = run(entry, finished=True, succeeded=True, report=REPORT)
        shared = replace(seen(ONE, TWO, route="shared"), judge=GOOD, jobs={ended.name: ended})
        after = decided(at(0, 5, jobs=(entry,)), shared, **VERIFIED)
        told = next(item for item in after.ledger if item.decision == "Verified")
        assert told.message == "database: wrong password; redis: answers"

    def test_a_result_of_another_step_does_not_count(self) -> None:
        after = self.step(job("verify", step=1))
        assert (after.weight.desired, of("verify", after).state) == (5, "Running")

    def test_what_fails_is_tried_on_stable_first(self) -> None:
        after = self.step(self.verify("Failed"))
        assert after.phase == "Progressing"
        assert of("compare", after).target == "http://spark-stable"

    def compare(self, state: Any) -> JobStatus:
        return job("compare", state, step=0, started_at=to_time(NOW - 9))

    def test_one_failure_is_a_hiccup(self) -> None:
        after = self.step(self.verify("Failed"), self.compare("Passed"))
        assert (after.phase, of("verify", after).repeats) == ("Progressing", 1)

    def test_without_automatic_rollback_two_failures_hold_and_are_told(self) -> None:
        entries = self.verify("Failed", repeats=1), self.compare("Passed")
        after = self.step(*entries, rollback={"automatic": False})
        assert (after.phase, after.weight.desired) == ("Progressing", 5)
        degraded = next(item for item in after.conditions if item.type == "Degraded")
        assert (degraded.status, degraded.reason) == ("True", "VerificationFailed")
        assert "rollback.automatic is false" in degraded.message

    def test_two_failures_are_the_release_s(self) -> None:
        after = self.step(self.verify("Failed", repeats=1), self.compare("Passed"))
        assert after.phase == "RollingBack"
        assert after.failure is not None
        assert (after.failure.outcome, after.failure.reason) == ("Failed", "VerificationFailed")

    def test_what_fails_on_both_holds_and_blames_nobody(self) -> None:
        after = self.step(self.verify("Failed", repeats=1), self.compare("Failed"))
        assert (after.phase, after.weight.desired) == ("Progressing", 5)
        degraded = next(item for item in after.conditions if item.type == "Degraded")
        assert degraded.reason == "SharedVerificationFailure"

    def test_a_guard_ends_although_both_fail(self) -> None:
        failed = (job("verify", "Failed"), self.compare("Failed").model_copy(update={"step": None}))
        over = under_guard()
        given = guarded(jobs=failed, watched=2.0)
        assert given.stable is not None
        given = given.model_copy(
            update={"stable": given.stable.model_copy(update={"since": to_time(NOW - 7200)})}
        )
        after = decided(given, over, **VERIFIED)
        assert after.phase == "Stable"

    def test_one_without_a_result_is_repeated_and_then_less_often(self) -> None:
        again = of("verify", self.step(self.verify("Lost")))
        assert (again.state, again.attempt, again.number) == ("Running", 2, 2)
        waits = self.step(self.verify("Lost", attempt=3))
        assert of("verify", waits).state == "Lost"
        later = self.step(self.verify("Lost", attempt=3, finished_at=to_time(NOW - 31)))
        assert (of("verify", later).state, of("verify", later).attempt) == ("Running", 1)

    def test_the_deadline_says_that_the_verification_did_not_pass(self) -> None:
        shared = replace(seen(ONE, TWO, route="shared"), judge=GOOD)
        given = at(0, 5, entered=LATE, jobs=(self.verify("Failed"), self.compare("Failed")))
        after = decided(given, shared, **VERIFIED)
        assert after.failure is not None
        assert "verification did not pass: database" in after.failure.message

    def test_a_promoted_release_is_verified_beside_the_previous_one_s_pod(self) -> None:
        failed = job("verify", "Failed")
        after = decided(guarded(jobs=(failed,)), under_guard(), **VERIFIED)
        assert of("compare", after).target == "http://10.0.1.0:3000"

    def test_a_first_release_is_not_stable_before_it_is_verified(self) -> None:
        given = status("Pending", stable=None, candidate=2, weight=100)
        after = decided(given, seen(FOUR_TWOS), **VERIFIED)
        assert (after.phase, of("verify", after).state) == ("Pending", "Running")

    def test_its_failure_is_shown(self) -> None:
        given = status(
            "Pending", stable=None, candidate=2, weight=100, jobs=(job("verify", "Failed"),)
        )
        after = decided(given, seen(workload(2, 4)), **VERIFIED)
        stalled = next(item for item in after.conditions if item.type == "Stalled")
        assert (stalled.status, stalled.reason) == ("True", "VerificationFailed")
        assert stalled.message == "database: the password is refused"


class TestLowTraffic:
    """Users send too few requests to judge by before the step's time is over."""

    def step(self, mode: str, state: Any = THIN, *entries: JobStatus, **more: Any) -> Any:
        given = at(0, 5, jobs=entries, **({"entered": NOW - 590} | more))
        shared = replace(seen(ONE, TWO, route="shared"), judge=state)
        return decided(given, shared, analysis={"sensitivity": "fast", "onLowTraffic": mode})

    def test_requests_of_the_operator_s_own_are_sent_to_both_once(self) -> None:
        after = self.step("Synthetic")
        assert of("traffic", after).target == "http://spark-candidate http://spark-stable"
        assert after.weight.desired == 5
        sent = self.step("Synthetic", THIN, of("traffic", after))
        assert sent.jobs == after.jobs

    def test_nothing_is_sent_while_the_step_has_time(self) -> None:
        assert self.step("Synthetic", entered=NOW - 60).jobs == ()

    def test_pause_holds(self) -> None:
        after = self.step("Pause")
        assert (after.jobs, after.weight.desired) == ((), 5)

    def test_readiness_only_goes_on_and_says_so_in_the_ledger(self) -> None:
        after = self.step("ReadinessOnly")
        assert after.weight.desired == 25
        assert after.ledger[0].reason == "ReadinessOnly"

    def test_readiness_only_never_goes_on_against_evidence(self) -> None:
        doubtful = judged(0.1, rate=0.6)
        assert judge.verdict(judge_plan(resource().spec), doubtful, NOW).kind == "Continue"
        assert self.step("ReadinessOnly", doubtful).weight.desired == 5

    def test_silence_is_no_low_traffic(self) -> None:
        assert self.step("ReadinessOnly", SILENT).weight.desired == 5


class TestReport:
    """Whatever a container writes, reading it is bounded and never fails."""

    @pytest.mark.parametrize(
        "text", ["", "no JSON", "[]", "{}", '{"checks": 1}', "[" * 5000, '{"checks": null}']
    )
    def test_what_is_no_report_is_text(self, text: str) -> None:
        assert job_report.parse(text).checks == ()

    def test_too_many_checks_keep_those_that_failed(self) -> None:
        items = [{"check": f"c{n}", "status": "pass"} for n in range(50)]
        items.append({"check": "last", "status": "fail"})
        found = job_report.parse(json.dumps({"checks": items})).checks
        assert found[-1] == CheckStatus(check="last", status="fail")
        assert len(found) == 10

    def test_strange_members_are_made_harmless(self) -> None:
        item = {"check": "a b\n", "status": "?", "detail": ["x"] * 500, "seconds": float("nan")}
        (found,) = job_report.parse(json.dumps({"checks": [item, 7]})).checks
        assert (found.check, found.status, found.seconds) == ("a-b-", "fail", 0.0)
        assert len(found.detail) == 200

    def test_versions_are_bounded(self) -> None:
        schema = {"current": "x" * 33, "head": 5}
        found = job_report.parse(json.dumps({"checks": [], "schema": schema})).schema
        assert found == SchemaStatus()
