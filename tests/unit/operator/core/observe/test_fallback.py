"""A resource that cannot be read as it stands: what stays in force, and what still stops it."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.api.resource import InvalidResourceError
from spark_operator.core.decide.decide import decide
from spark_operator.core.model import accepted_spec
from spark_operator.core.model.release import Release
from spark_operator.core.observe.fallback import read
from tests.unit.operator.core.builders import NOW, body, release, resource
from tests.unit.operator.core.decide.cases import BAD, at, shared

WRONG = {"notifications": {"webhook": [{"name": "chat", "url": "https://x\u00a0y/hook"}]}}
"""A no-break space, which the API server's schema lets through."""


def stored(version: int = 2, **changes: Any) -> dict[str, Any]:
    """A trial of version 2 whose spec was valid once and has been edited since."""
    status = at(1, 25).to_dict()
    valid = resource(version).spec.to_dict()
    status["acceptedSpec"] = accepted_spec.encode(valid)
    edited = {**body(version), "status": status}
    return {**edited, "spec": {**edited["spec"], **WRONG, **changes}}


def test_the_last_valid_spec_stays_in_force() -> None:
    found = read(stored(replicas=17))
    assert found.resource.spec.replicas == resource(2).spec.replicas
    assert "webhook" in found.invalid


def test_the_failing_release_is_still_cut() -> None:
    found = read(stored())
    world = shared(BAD, invalid=found.invalid)
    decision = decide(found.resource, world, NOW)
    assert decision.status.phase == "RollingBack"
    conditions = {item.type: item for item in decision.status.conditions}
    assert conditions["Accepted"].status == "False"
    assert conditions["Stalled"].reason == "InvalidResource"
    assert "last valid spec stays in force" in conditions["Ready"].message


@pytest.mark.parametrize(
    ("asked", "member", "value"),
    [
        ({"isolated": True}, "isolated", True),
        ({"paused": True}, "paused", True),
        ({"revokedKeys": ["user-alice"]}, "revoked_keys", ("user-alice",)),
    ],
)
def test_what_a_person_asks_to_stop_is_heard(
    asked: dict[str, Any], member: str, value: object
) -> None:
    found = read(stored(**asked))
    assert found.invalid
    assert getattr(found.resource.spec, member) == value


def test_a_reverted_image_ends_the_trial() -> None:
    wrong = stored()
    wrong["spec"]["image"] = body(1)["spec"]["image"]
    found = read(wrong)
    assert Release.of(found.resource.spec).name == release(1).name
    decision = decide(found.resource, shared(invalid=found.invalid), NOW)
    assert decision.status.phase == "RollingBack"


def test_no_other_release_starts_from_an_invalid_spec() -> None:
    found = read(stored(image="registry.example.com/spark:3.0.0"))
    assert Release.of(found.resource.spec).name == release(2).name


def test_without_a_valid_spec_before_there_is_nothing_to_fall_back_on() -> None:
    wrong = stored()
    wrong["status"]["acceptedSpec"] = "not what we wrote"
    with pytest.raises(InvalidResourceError, match="webhook"):
        read(wrong)


@pytest.mark.parametrize(
    ("member", "value", "named"),
    [
        ("history", [{"outcome": "Unheard"}], "history.0"),
        ("ledger", [{"at": "yesterday"}], "ledger.0"),
        ("jobs", [{"kind": "defrost"}], "jobs.0"),
        ("diagnosis", "no list", "diagnosis"),
    ],
)
def test_a_record_of_another_version_is_dropped_and_named(
    member: str, value: Any, named: str
) -> None:
    good = {**body(2), "status": at(1, 25).to_dict() | {member: value}}
    found = read(good)
    assert not found.invalid
    assert found.dropped[0].startswith(named)
    decision = decide(found.resource, shared(BAD, dropped=found.dropped), NOW)
    assert decision.status.phase == "RollingBack"
    accepted = next(item for item in decision.status.conditions if item.type == "Accepted")
    assert named in accepted.message


def test_an_unknown_phase_is_taken_for_the_way_back() -> None:
    found = read({**body(2), "status": at(1, 25).to_dict() | {"phase": "Levitating"}})
    assert found.resource.status.phase == "RollingBack"
    assert found.resource.status.weight.desired == 0
    assert found.dropped == ("phase 'Levitating'",)


def test_what_is_kept_of_a_spec_is_read_back_and_bounded() -> None:
    spec = resource(2).spec.to_dict()
    assert accepted_spec.decode(accepted_spec.encode(spec)) == spec
    noise = {str(number): hash((number, "x")) for number in range(20_000)}
    assert accepted_spec.encode(noise) == ""
    assert accepted_spec.decode("") is None
