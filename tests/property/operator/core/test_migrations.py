"""Rule 6 of ``design.md`` §5: a migration passes once, whatever is killed, lost or late."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_operator.api.resource import parse
from spark_operator.core.decide.decide import decide
from spark_operator.core.model import jobs
from spark_operator.core.model.release import Release
from spark_operator.core.observe.values import Job
from tests.unit.operator.core.builders import IMAGES, NOW, body, seen, status
from tests.unit.operator.core.decide.cases import ONE
from tests.unit.operator.core.decide.cases_prepared import MIGRATED

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.status.runs import JobStatus

ENDS: Final[dict[str, dict[str, Any]]] = {
    "runs": {},
    "passes": {"finished": True, "succeeded": True},
    "fails": {"finished": True, "exited": True},
    "is lost": {"finished": True},
    "times out": {"finished": True, "timed_out": True},
}
EVENTS: Final = st.lists(
    st.tuples(
        st.sampled_from([*ENDS, "is gone"]),
        st.sampled_from([1.0, 30.0, 1000.0]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(EVENTS)
def test_a_migration_passes_once(events: list[tuple[str, float, bool]]) -> None:
    text, now = body(2, **MIGRATED), NOW
    text["status"] = json.loads(json.dumps(status("Pending").to_dict()))
    passed: set[str] = set()
    for end, wait, killed in events:
        given = parse(text)
        before = _migration(given)
        world = replace(seen(ONE), jobs=_seen(before, end))
        decision = decide(given, world, now)
        now += wait
        if killed:
            continue
        after = given.model_copy(update={"status": decision.status})
        if before is not None and before.state == "Running" and end == "passes":
            passed.add(before.release)
        _check(before, _migration(after), passed)
        text["status"] = json.loads(json.dumps(decision.status.to_dict()))
        _prepared_before_pods(after)


def _migration(of: SparkDeployment) -> JobStatus | None:
    found = [entry for entry in of.status.jobs if entry.kind == "migrate"]
    assert len(found) <= 1, "6: two migrations"
    return found[0] if found else None


def _seen(job: JobStatus | None, end: str) -> dict[str, Job]:
    if job is None or end == "is gone":
        return {}
    name = jobs.job_name("spark", job)
    return {name: Job(name=name, run=jobs.run_id(job), **ENDS[end])}


def _check(before: JobStatus | None, after: JobStatus | None, passed: set[str]) -> None:
    if after is None:
        return
    is_new = before is None or before.number != after.number
    if is_new:
        assert after.release not in passed, "6: a migration that passed is run again"
        ended = before is None or before.state != "Running" or before.release == after.release
        assert ended, "6: another migration begins while one runs"
    if after.state == "Passed":
        passed.add(after.release)


def _prepared_before_pods(of: SparkDeployment) -> None:
    current, role = of.status, of.status.candidate
    if role is None or current.phase not in ("Progressing", "Promoting"):
        return
    assert role.release == Release.of(of.spec).name
    assert of.spec.image == IMAGES[2]
    states = {entry.state for entry in current.jobs if entry.kind == "migrate"}
    assert states == {"Passed"}, f"6: a trial without its migration: {states}"
