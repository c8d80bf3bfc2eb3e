"""Every phase and every guard, one decision each, with the values spelt out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.fields import to_time
from spark_operator.api.status.status import Exposure
from spark_operator.core import judge
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.judge_plan import judge_plan
from spark_operator.core.model.phases import TRANSITIONS, Phase, diagram
from tests.unit.operator.core.builders import NOW, name, release, resource, seen, status, workload
from tests.unit.operator.core.decide.cases import (
    BAD,
    FOUR_TWOS,
    GOOD,
    LATE,
    ONE,
    SILENT,
    TOO_FEW,
    TWO,
    Case,
    at,
    failure,
    guarded,
    held,
    shared,
    under_guard,
)
from tests.unit.operator.core.decide.cases_after import AT_REST, GUARDING, GUARDS, PROMOTING
from tests.unit.operator.core.decide.cases_before import PAUSED, PENDING, PROGRESSING
from tests.unit.operator.core.decide.cases_prepared import PREPARED

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.observe.observations import Observations

CASES = [*PENDING, *PREPARED, *PROGRESSING, *PAUSED, *PROMOTING, *GUARDING, *AT_REST, *GUARDS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_turn(case: Case) -> None:
    given = resource(case.version, case.before, case.asked, **case.spec)
    decision = decide(given, case.seen, NOW)
    assert decision.status.phase == case.phase
    assert decision.status.weight.desired == case.weight
    told = [event.reason for event in decision.events]
    assert case.told in told if case.told else not told


def test_every_phase_that_can_be_reached_has_a_case() -> None:
    assert {case.before.phase for case in CASES} == {source.value for source in TRANSITIONS}


def decided(version: int, before: SparkDeploymentStatus, world: Observations, **more: Any) -> Any:
    return decide(resource(version, before, **more), world, NOW).status


def test_a_failure_is_recorded_once_with_everything_an_engineer_asks() -> None:
    after = decided(2, at(0, 5), shared(BAD))
    assert after.failure.reason == "ErrorRateCritical"
    assert [entry.release for entry in after.quarantine] == [name(2)]
    assert after.quarantine[0].digest == f"sha256:{2:064x}"
    assert [(entry.release, entry.outcome) for entry in after.history] == [(name(2), "Failed")]
    assert (after.exposure.release, after.exposure.seconds) == (name(2), 60.0)
    assert after.exposure.errors == 600
    assert after.exposure.requests == 1200
    assert [entry.decision for entry in after.ledger] == ["RollingBack"]
    assert after.epoch == 8


def test_a_deadline_quarantines_nobody() -> None:
    after = decided(2, at(0, 5, entered=LATE), shared(SILENT))
    assert after.failure.outcome == "Inconclusive"
    assert after.quarantine == ()


def test_a_pod_trouble_is_named_at_the_deadline() -> None:
    world = seen(ONE, workload(2, 1, ready=False, trouble="ImagePullBackOff: no such image"))
    after = decided(2, at(0, 5, entered=LATE, observed=None, traffic=None), world)
    assert after.failure.message == (
        "only 0 of its pods were ready within 10m: ImagePullBackOff: no such image:"
        " check spec.image, and spec.pod.imagePullSecrets where the registry wants a login"
    )


def test_a_release_that_fails_under_guard_hands_over_to_the_previous_one() -> None:
    after = decided(2, guarded(), under_guard(BAD))
    assert (after.stable.release, after.candidate.release, after.previous) == (
        name(1),
        name(2),
        None,
    )


def test_its_image_is_quarantined_although_it_was_promoted() -> None:
    promoted = decided(
        2,
        at(3, 100, "Promoting", observed=None),
        seen(ONE, FOUR_TWOS, route=2, judge=GOOD),
    )
    after = decided(2, promoted, under_guard(BAD))
    assert [entry.digest for entry in after.quarantine] == [f"sha256:{2:064x}"]


def test_a_bad_configuration_does_not_lock_out_the_image_that_stable_runs() -> None:
    same = f"sha256:{1:064x}"
    world = seen(ONE, workload(2, 1, digest=same), route="shared", judge=BAD)
    assert [entry.digest for entry in decided(2, at(0, 5), world).quarantine] == [None]


def test_a_newer_release_leaves_the_last_failure_s_exposure() -> None:
    before = at(0, 5, exposure=Exposure(release=name(4), seconds=3.0, requests=9))
    assert decided(3, before, shared()).exposure == before.exposure


def test_the_judge_s_state_is_written_with_the_weight_it_counts_for() -> None:
    """Else a restart right after would count an earlier weight's Pass for this one."""
    passed = at(1, 25, observed=None, judge=judge.encode(GOOD), judge_at=to_time(NOW - 1))
    after = decided(2, passed, shared())
    assert after.step.observed_since == to_time(NOW)
    restored = judge.decode(judge_plan(resource().spec), after.judge)
    assert judge.verdict(judge_plan(resource().spec), restored, NOW + 1).kind != "Pass"


def test_after_a_restart_the_judge_goes_on_from_its_checkpoint() -> None:
    before = at(0, 5, judge=judge.encode(BAD), judge_at=to_time(NOW - 1))
    assert decided(2, before, seen(ONE, TWO, route="shared")).phase == "RollingBack"


def test_a_damaged_checkpoint_is_no_evidence() -> None:
    before = at(0, 5, judge="j1:what", judge_at=to_time(NOW - 1))
    after = decided(2, before, seen(ONE, TWO, route="shared"))
    assert (after.phase, after.weight.desired) == ("Progressing", 5)


def test_a_request_is_carried_out_once() -> None:
    asked = {"spark.dev/skip": "one"}
    first = decided(2, at(0, 5, observed=NOW), shared(TOO_FEW), annotations=asked)
    assert first.weight.desired == 25
    second = decided(2, first, shared(TOO_FEW), annotations=asked)
    assert second.weight.desired == 25
    assert [item.result for item in second.requests] == ["Done"]


def test_a_status_that_was_restored_from_a_backup_catches_up_with_the_children() -> None:
    after = decided(1, status("Stable"), seen(ONE, epoch=40))
    assert after.epoch == 41


def test_a_release_whose_revision_is_gone_is_told() -> None:
    world = seen(ONE)
    world = type(world)(
        workloads=world.workloads, revisions={name(2): release(2)}, route=world.route
    )
    after = decided(2, status("Stable"), world)
    assert next(c for c in after.conditions if c.type == "Degraded").reason == "RevisionMissing"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_conditions_follow_kstatus(case: Case) -> None:
    given = resource(case.version, case.before, case.asked, **case.spec)
    found = {item.type: item for item in decide(given, case.seen, NOW).status.conditions}
    assert (found["Reconciling"].status, found["Stalled"].status) != ("True", "True")
    if found["Ready"].status == "True":
        assert (found["Reconciling"].status, found["Stalled"].status) == ("False", "False")
    assert {item.observed_generation for item in found.values()} == {case.version}


def test_a_rollback_is_stalled_so_that_tools_do_not_wait() -> None:
    before = status("RolledBack", failure=failure(2), quarantine=(held(2),))
    found = {item.type: item for item in decided(2, before, seen(ONE)).conditions}
    assert (found["Stalled"].status, found["Stalled"].reason) == ("True", "ReleaseQuarantined")
    assert (found["Ready"].status, found["Available"].status) == ("False", "True")


def test_a_first_release_that_never_gets_ready_is_stalled_with_the_pod_s_words() -> None:
    before = status("Pending", stable=None, candidate=1, weight=100)
    before = before.model_copy(
        update={"candidate": before.candidate.model_copy(update={"since": to_time(LATE)})}
        if before.candidate
        else {}
    )
    world = seen(workload(1, 4, ready=False, trouble="CrashLoopBackOff: back-off 10s"))
    stalled = next(c for c in decided(1, before, world).conditions if c.type == "Stalled")
    assert (stalled.status, stalled.reason) == ("True", "ProgressDeadlineExceeded")
    assert "CrashLoopBackOff: back-off 10s" in stalled.message


def test_the_diagram_has_every_transition() -> None:
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> Pending"]
    assert len(lines) == 2 + sum(map(len, TRANSITIONS.values()))
    assert f"    {Phase.GUARDING} --> {Phase.STABLE}: the guard's time is over" in lines
