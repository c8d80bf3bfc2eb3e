"""What becomes of a migration whose release is on its way out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.fields import to_time
from spark_operator.api.status.runs import SchemaStatus
from spark_operator.core.decide.decide import decide
from tests.unit.operator.core.builders import NOW, name, release, resource
from tests.unit.operator.core.decide.cases_prepared import NEW_SCHEMA, OLD_SCHEMA, before, job
from tests.unit.operator.core.decide.jobs.test_runs import decided, of, world

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobStatus
    from spark_operator.api.status.status import SparkDeploymentStatus


def leaving(rollback: str, *more: JobStatus) -> tuple[SparkDeploymentStatus, Any]:
    spec = {"migrations": {"rollback": rollback}}
    done = job("migrate", spec=spec, schema_=NEW_SCHEMA, target="0001")
    given = before("RollingBack", done, *more, spec=spec)
    kept = {name(2, **spec): release(2, **spec)}
    return given, replace(world(), revisions=kept | dict(world().revisions))


def test_automatic_runs_the_rollback_to_where_it_began() -> None:
    after = decided(*leaving("Automatic"))
    assert after.phase == "RollingBack"
    assert (of("undo", after).state, of("undo", after).target) == ("Running", "0001")


def test_it_is_over_when_that_is_done() -> None:
    spec = {"migrations": {"rollback": "Automatic"}}
    undo = job("undo", spec=spec, started_at=to_time(NOW - 5), schema_=OLD_SCHEMA)
    after = decided(*leaving("Automatic", undo))
    assert after.phase != "RollingBack"
    assert after.ledger[0].decision in ("MigrationUndone", "RolledBack")


def test_what_cannot_be_undone_is_told_loudly_and_holds_nothing_up() -> None:
    spec = {"migrations": {"rollback": "Automatic"}}
    undo = job("undo", "Failed", spec=spec, started_at=to_time(NOW - 5))
    after = decided(*leaving("Automatic", undo))
    assert after.phase != "RollingBack"
    degraded = next(item for item in after.conditions if item.type == "Degraded")
    assert (degraded.status, degraded.reason) == ("True", "MigrationRollbackFailed")


def left(state: Any, target: str, schema: SchemaStatus | None) -> SparkDeploymentStatus:
    spec = {"migrations": {"rollback": "Automatic"}}
    ended = job("migrate", state, spec=spec, schema_=schema, target=target)
    kept = {name(2, **spec): release(2, **spec)}
    given = before("RollingBack", ended, spec=spec)
    return decided(given, replace(world(), revisions=kept | dict(world().revisions)))


@pytest.mark.parametrize("state", ["Failed", "Lost"])
def test_a_migration_of_which_nothing_is_known_is_undone_to_where_it_began(state: str) -> None:
    assert of("undo", left(state, "0001", None)).target == "0001"
    assert of("undo", left(state, "base", None)).target == "base"


@pytest.mark.parametrize(
    ("state", "target", "schema"),
    [("Failed", "0001", OLD_SCHEMA), ("Passed", "0002", NEW_SCHEMA), ("Failed", "", None),
     ("Passed", "", NEW_SCHEMA), ("Passed", "base", SchemaStatus(head="0002"))],
)  # fmt: skip
def test_nothing_is_undone_beyond_where_it_began(
    state: str, target: str, schema: SchemaStatus | None
) -> None:
    """Without a version the command would undo the last one: the stable release's own."""
    after = left(state, target, schema)
    assert "undo" not in {item.kind for item in after.jobs}
    told = [item.message for item in after.ledger if item.decision == "SchemaKept"]
    assert bool(told) is (not target)
    assert all("not known" in message for message in told)


def test_a_command_that_reports_nothing_is_undone_by_its_own_counterpart() -> None:
    assert of("undo", left("Passed", "", None)).target == ""


@pytest.mark.parametrize("rollback", ["Allowed", "Forbidden"])
def test_otherwise_the_schema_stays_and_the_ledger_says_so(rollback: str) -> None:
    after = decided(*leaving(rollback))
    kept = next(item for item in after.ledger if item.decision == "SchemaKept")
    assert kept.reason == f"Rollback{rollback}"
    assert "undo" not in {item.kind for item in after.jobs}


@pytest.mark.parametrize(
    ("rollback", "result"), [("Allowed", "Done"), ("Forbidden", "MigrationForbidden")]
)
def test_a_person_may_ask_where_the_release_allows_it(rollback: str, result: str) -> None:
    given, seen_now = leaving(rollback)
    given = given.model_copy(update={"phase": "Stable", "candidate": None})
    asked = {"spark.dev/undo-migration": "0000@now"}
    after = decide(resource(1, given, asked), seen_now, NOW).status
    assert after.requests[0].result == result
    if result == "Done":
        assert of("undo", after).target == "0000"


def test_a_person_names_the_version_where_nobody_knows_it() -> None:
    spec = {"migrations": {"rollback": "Allowed"}}
    failed = job("migrate", "Failed", spec=spec)
    given, seen_now = leaving("Allowed")
    given = given.model_copy(update={"phase": "Stable", "candidate": None, "jobs": (failed,)})
    after = decide(resource(1, given, {"spark.dev/undo-migration": "now"}), seen_now, NOW)
    assert after.status.requests[0].result == "VersionNeeded"
