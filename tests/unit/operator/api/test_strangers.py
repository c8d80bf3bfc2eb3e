"""Keys of users and callers without one: the operator and the service mean the same."""

from __future__ import annotations

import re
from typing import Any

import pytest

from spark_app.core.revocations import KEY_ID_PATTERN
from spark_operator.api.resource import InvalidResourceError
from spark_operator.core.decide.decide import decide
from spark_operator.core.model.release import Release
from tests.unit.operator.core.builders import NOW, resource, seen, status, workload

IDS = ["user-alice@example.com", "master", "verify", "user-" + "x" * 64, "a..b", "U_1"]
NO_IDS = ["", "-x", "user alice", "user-ä", "x" * 70, "a/b", "@x"]


@pytest.mark.parametrize("key_id", IDS)
def test_an_id_that_the_service_knows_can_be_revoked(key_id: str) -> None:
    assert re.fullmatch(KEY_ID_PATTERN, key_id)
    assert resource(1, revokedKeys=[key_id]).spec.revoked_keys == (key_id,)


@pytest.mark.parametrize("key_id", NO_IDS)
def test_what_the_service_does_not_know_is_refused(key_id: str) -> None:
    assert not re.fullmatch(KEY_ID_PATTERN, key_id)
    with pytest.raises(InvalidResourceError, match="revokedKeys"):
        resource(1, revokedKeys=[key_id])


def accepted(**spec: Any) -> str:
    """The message of ``Accepted``."""
    decision = decide(resource(1, status("Stable"), **spec), seen(workload(1, 4)), NOW)
    return next(item.message for item in decision.status.conditions if item.type == "Accepted")


def test_a_service_without_users_keys_says_that_strangers_are_limited() -> None:
    assert "spec.allowAnonymous: true" in accepted()
    assert accepted(allowAnonymous=True) == ""
    assert accepted(config={"SPARK_ALLOW_ANONYMOUS": "true"}) == ""


def test_serving_strangers_is_part_of_the_release_and_its_absence_changes_no_name() -> None:
    plain, open_ = Release.of(resource(1).spec), Release.of(resource(1, allowAnonymous=True).spec)
    assert dict(open_.config)["SPARK_ALLOW_ANONYMOUS"] == "true"
    assert "SPARK_ALLOW_ANONYMOUS" not in dict(plain.config)
    assert plain.name != open_.name
