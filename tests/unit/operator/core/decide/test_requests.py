"""What people ask for once, by annotation: what comes of it in each phase, and that it is once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.fields import to_time
from spark_operator.api.status.status import MAX_REQUESTS, SparkDeploymentStatus
from spark_operator.core.decide.decide import decide
from spark_operator.core.model.phases import (
    TRANSITIONS,
    IllegalTransitionError,
    Phase,
    check_transition,
)
from tests.unit.operator.core.builders import NOW, name, resource, seen, status, workload
from tests.unit.operator.core.decide.cases import (
    FOUR_TWOS,
    GOOD,
    LATE,
    ONE,
    SILENT,
    TOO_FEW,
    TWO,
    at,
    failure,
    guarded,
    held,
    shared,
    under_guard,
)

if TYPE_CHECKING:
    from spark_operator.core.observe.observations import Observations

MANUAL: dict[str, Any] = {
    "strategy": {"canary": {"steps": [{"weight": 5, "manual": True}, {"weight": 100}]}}
}
FRESH = at(0, 5, observed=None, traffic=None)


def ask(
    before: SparkDeploymentStatus,
    world: Observations,
    request: str,
    text: str = "one",
    version: int = 2,
    **spec: Any,
) -> SparkDeploymentStatus:
    asked = {f"spark.dev/{request}": text}
    return decide(resource(version, before, asked, **spec), world, NOW).status


@pytest.mark.parametrize(
    ("request_name", "text", "before", "world", "result", "phase", "weight"),
    [
        ("abort", "one", at(0, 5), shared(), "Done", "RollingBack", 0),
        (
            "abort",
            "one",
            status("Stable", stable=2),
            seen(FOUR_TWOS),
            "NothingToAbort",
            "Stable",
            0,
        ),
        ("promote", "one", at(0, 5), shared(TOO_FEW), "Done", "Promoting", 5),
        ("promote", "one", guarded(), under_guard(), "NothingOnTrial", "Guarding", 0),
        (
            "promote",
            "one",
            FRESH,
            seen(ONE, workload(2, 1, ready=False), judge=SILENT),
            "CandidateNotReady",
            "Progressing",
            5,
        ),
        ("skip", "one", at(0, 5), shared(TOO_FEW), "Done", "Progressing", 25),
        ("approve", "one", at(0, 5), shared(TOO_FEW), "Done", "Progressing", 5),
        ("pause", "one", at(0, 5), shared(), "Done", "Paused", 5),
        ("pause", "one", guarded(), under_guard(), "NothingOnTrial", "Guarding", 0),
        ("resume", "one", at(0, 5, "Paused", held=True), shared(), "Done", "Progressing", 5),
        ("resume", "one", at(0, 5), shared(TOO_FEW), "NotHeld", "Progressing", 5),
        ("retry", "one", at(0, 5), shared(TOO_FEW), "NothingToRetry", "Progressing", 5),
        (
            "let-out",
            f"{name(3)}@one",
            at(0, 5),
            shared(TOO_FEW),
            "NotQuarantined",
            "Progressing",
            5,
        ),
        ("rollback-to", f"{name(1)}@one", guarded(), under_guard(), "Done", "RollingBack", 0),
        (
            "rollback-to",
            "0000000000@one",
            guarded(),
            under_guard(),
            "UnknownRelease",
            "Guarding",
            0,
        ),
        (
            "rollback-to",
            f"{name(1)}@one",
            guarded(quarantine=(held(1),)),
            under_guard(),
            "ReleaseQuarantined",
            "Guarding",
            0,
        ),
        ("abort", "x" * 65, at(0, 5), shared(TOO_FEW), "TokenTooLong", "Progressing", 5),
    ],
)
def test_a_request(
    request_name: str,
    text: str,
    before: SparkDeploymentStatus,
    world: Observations,
    result: str,
    phase: str,
    weight: int,
) -> None:
    after = ask(before, world, request_name, text)
    assert [item.result for item in after.requests] == [result]
    assert (after.phase, after.weight.desired) == (phase, weight)
    again = ask(after, world, request_name, text)
    assert [item.at for item in again.requests] == [to_time(NOW)]
    assert len([entry for entry in again.ledger if entry.decision == "RequestConsumed"]) == 1


@pytest.mark.parametrize("text", ["", "@", f"{name(2)}@"])
def test_without_a_token_nothing_is_asked(text: str) -> None:
    assert ask(at(0, 5), shared(TOO_FEW), "abort", text).requests == ()


def test_a_new_token_asks_again_and_an_earlier_one_does_not() -> None:
    """As when a tool that keeps manifests goes back to one with the earlier annotation."""
    first = ask(at(0, 5), shared(TOO_FEW), "skip", "one")
    second = ask(first.model_copy(update={"step": at(1, 25).step}), shared(TOO_FEW), "skip", "two")
    assert second.weight.desired == 50
    assert [item.token for item in second.requests] == ["two", "one"]
    assert ask(second, shared(TOO_FEW), "skip", "one").requests == second.requests


def test_many_tokens_of_one_request_push_out_no_other_one() -> None:
    """An annotation stays on the resource: if its token were forgotten, it would act again."""
    status = ask(guarded(), under_guard(), "undo-migration", "kept")
    for number in range(MAX_REQUESTS + 2):
        status = ask(status, under_guard(), "resume", str(number))
    assert len(status.requests) == MAX_REQUESTS
    assert [item.token for item in status.requests][:2] == ["17", "16"]
    assert [item.token for item in status.requests][-1] == "kept"


def test_an_approved_step_is_left_when_it_has_passed() -> None:
    waiting = ask(at(0, 5), shared(), "none", **MANUAL)
    assert waiting.phase == "Paused"
    approved = ask(waiting, shared(), "approve", **MANUAL)
    assert approved.phase == "Progressing"
    assert ask(approved, shared(), "none", **MANUAL).phase == "Promoting"


def test_an_approved_step_still_needs_its_pass() -> None:
    approved = ask(at(0, 5), shared(TOO_FEW), "approve", **MANUAL)
    assert ask(approved, shared(TOO_FEW), "none", **MANUAL).phase == "Progressing"


def test_a_release_asked_for_stays_until_the_spec_names_another() -> None:
    before = status("Stable", stable=2)
    asked = ask(before, seen(FOUR_TWOS), "rollback-to", f"{name(1)}@one")
    assert asked.override is not None
    assert (asked.override.release, asked.override.instead_of) == (name(1), name(2))
    trial = ask(asked, seen(FOUR_TWOS, route=2), "none")
    assert trial.candidate is not None
    assert trial.candidate.release == name(1)
    home = decide(resource(2, status("Stable", override=asked.override)), seen(ONE), NOW).status
    stalled = next(item for item in home.conditions if item.type == "Stalled")
    assert (stalled.status, stalled.reason) == ("True", "RollbackRequested")
    newer = ask(home, seen(ONE), "none", version=3)
    assert newer.override is None
    assert newer.phase == "Pending"


def test_asking_for_the_spec_s_own_release_ends_the_override() -> None:
    asked = ask(status("Stable", stable=2), seen(FOUR_TWOS), "rollback-to", f"{name(1)}@one")
    back = ask(asked, seen(FOUR_TWOS), "rollback-to", f"{name(2)}@two")
    assert back.override is None


@pytest.mark.parametrize("pause", [{"paused": True}, {}])
def test_a_pause_of_promotion_does_not_run_into_the_deadline(pause: dict[str, Any]) -> None:
    before = at(3, 50, "Promoting", observed=None, entered=LATE, held=not pause)
    world = seen(ONE, FOUR_TWOS, route="shared", judge=GOOD)
    after = ask(before, world, "none", **pause)
    assert (after.phase, after.weight.desired) == ("Promoting", 50)
    released = after.model_copy(update={"held": False})
    assert ask(released, world, "none").weight.desired == 100


def test_a_retry_is_not_a_way_around_the_quarantine() -> None:
    before = status("RolledBack", failure=failure(2), quarantine=(held(2),))
    after = ask(before, seen(ONE), "retry")
    assert [item.result for item in after.requests] == ["ReleaseQuarantined"]
    assert after.phase == "RolledBack"


def test_a_person_cannot_promote_a_quarantined_image() -> None:
    """It is cut in the same decision, whoever asks."""
    before = at(0, 5, quarantine=(held(3, f"sha256:{2:064x}"),))
    after = ask(before, seen(ONE, TWO, route="shared", judge=GOOD), "promote")
    assert [item.result for item in after.requests] == ["ReleaseQuarantined"]
    assert after.phase == "RollingBack"


@pytest.mark.parametrize("source", Phase)
@pytest.mark.parametrize("target", Phase)
def test_only_the_table_s_ways_lead_from_phase_to_phase(source: Phase, target: Phase) -> None:
    if target in TRANSITIONS.get(source, {}):
        check_transition(source, target)
        return
    with pytest.raises(IllegalTransitionError, match=f"no way leads from {source} to {target}"):
        check_transition(source, target)
