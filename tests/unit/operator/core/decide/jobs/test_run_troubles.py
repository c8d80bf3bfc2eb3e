"""A Job that does not begin, does not end, or was never made: what is told, and who is blamed."""

from __future__ import annotations

from dataclasses import replace

from spark_operator.api.fields import to_time
from tests.unit.operator.core.builders import NOW
from tests.unit.operator.core.decide.cases_prepared import CHECKED, MIGRATED, before, job
from tests.unit.operator.core.decide.jobs.test_runs import RUNNING, decided, of, run, world


def test_what_keeps_a_job_from_running_is_shown_while_it_lasts() -> None:
    waiting = run(RUNNING, trouble="ErrImagePull: not found")
    after = decided(before("Preflight", RUNNING), world(waiting), **CHECKED)
    assert of("preflight", after).message == "ErrImagePull: not found"


def test_why_a_job_does_not_begin_is_told_with_what_to_do_and_outlives_its_pod() -> None:
    missing = 'CreateContainerConfigError: secret "keys" not found'
    after = decided(before("Preflight", RUNNING), world(run(RUNNING, trouble=missing)), **CHECKED)
    ready = next(item for item in after.conditions if item.type == "Ready")
    assert missing in ready.message
    assert "kubectl create secret generic keys" in ready.message
    killed = run(RUNNING, trouble="ContainerStatusUnknown: exit code 137")
    assert of("preflight", decided(after, world(killed), **CHECKED)).message == missing
    ended = decided(after, world(replace(killed, finished=True, timed_out=True)), **CHECKED)
    assert ended.failure is not None
    assert missing in ended.failure.message
    assert "137" not in ended.failure.message


def test_a_job_that_was_made_late_has_its_time_from_then() -> None:
    asked = RUNNING.model_copy(update={"started_at": to_time(NOW - 600)})
    made = run(asked, created=NOW - 149)
    after = decided(before("Preflight", asked), world(made), **CHECKED)
    assert of("preflight", after).state == "Running"
    late = decided(before("Preflight", asked), world(replace(made, created=NOW - 151)), **CHECKED)
    assert late.failure is not None
    assert late.failure.message == "no result within 120 s: it did not end"


def test_a_job_that_nobody_ends_is_given_up_with_its_trouble() -> None:
    late = RUNNING.model_copy(update={"started_at": to_time(NOW - 151)})
    waiting = run(late, trouble="ErrImagePull: not found")
    after = decided(before("Preflight", late), world(waiting), **CHECKED)
    assert after.failure is not None
    assert after.failure.message == "no result within 120 s: ErrImagePull: not found"


def test_a_job_that_was_never_made_blames_nobody_and_is_made_anew() -> None:
    late = job("migrate", "Running", spec=MIGRATED).model_copy(
        update={"started_at": to_time(NOW - 3600)}
    )
    anew = of("migrate", decided(before("Migrating", late, spec=MIGRATED), world()))
    assert (anew.state, anew.number, anew.attempt) == ("Running", 2, 2)
    assert anew.started_at == to_time(NOW)
