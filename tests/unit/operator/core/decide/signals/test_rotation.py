"""Credentials that change under running pods: who is restarted, once, and who is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.secrets import Secrets
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.signals.rotation import names
from spark_operator.core.model.credentials import FIELDS, MOST, Revision, count
from spark_operator.core.observe import snapshot
from spark_operator.core.observe.secret_metadata import SecretData, describe
from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.core.render.deployment import deployment, pod_template
from tests.unit.operator.core.builders import NOW, body, release, resource, seen, status, workload

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations

REFERENCES = {
    "anthropicAPIKey": {"name": "providers", "key": "anthropic"},
    "databaseURL": {"name": "database", "key": "url"},
    "apiKeys": {"name": "users", "key": "list"},
}
ROTATED = "SecretsRotated"


def secret(time: str = "2024-01-01T00:00:00Z", *keys: str, version: str = "1") -> SecretData:
    fields: Any = {f"f:{key}": {} for key in keys or ("anthropic", "url", "list")}
    entry = {"manager": "m", "operation": "Update", "time": time, "fieldsV1": {"f:data": fields}}
    return describe({"uid": "u", "resourceVersion": version, "managedFields": [entry]})


KNOWN = {"providers": secret(), "database": secret(), "users": secret()}
LATER = secret("2024-01-01T00:00:09Z")


def settled() -> SparkDeploymentStatus:
    """At rest, with the credentials as they are in ``KNOWN``."""
    return decided(status("Stable"), KNOWN).status


def decided(
    before: SparkDeploymentStatus,
    secrets: dict[str, SecretData] | None,
    *,
    now: float = NOW,
    world: Observations | None = None,
    references: dict[str, Any] | None = None,
) -> Decision:
    given = resource(1, before, secrets=references or REFERENCES)
    return decide(given, replace(world or seen(workload(1, 4)), secrets=secrets), now)


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(event.reason, event.message) for event in decision.events if event.reason == ROTATED]


def rotations(after: SparkDeploymentStatus) -> str | None:
    template = deployment(resource(1, after), release(1), 4)["spec"]["template"]
    found: str | None = template["metadata"].get("annotations", {}).get("spark.dev/secrets")
    return found


def test_every_field_has_its_place_in_the_revision() -> None:
    assert set(FIELDS) == {*Secrets.model_fields, "verification"}
    longest = Revision(MOST, dict.fromkeys(FIELDS, "abcde"))
    assert len(str(longest)) <= 64
    assert Revision.parse(str(longest)) == longest


def test_the_first_sight_restarts_nothing_and_tells_nothing() -> None:
    first = decided(status("Stable"), KNOWN)
    assert first.status.secrets_revision
    assert first.status.epoch == 7
    assert (rotations(first.status), told(first)) == (None, [])
    assert decided(first.status, KNOWN).status.secrets_revision == first.status.secrets_revision


def test_before_anything_is_known_nothing_is_recorded() -> None:
    assert decided(status("Stable"), None).status.secrets_revision is None
    assert decided(settled(), None).status.secrets_revision == settled().secrets_revision


def test_a_changed_secret_restarts_every_pod_once_and_is_told_by_name() -> None:
    rotated = decided(settled(), KNOWN | {"database": LATER})
    assert rotations(rotated.status) == "1"
    assert rotated.status.epoch == settled().epoch + 1
    ((_, message),) = told(rotated)
    assert message.startswith("Secret database (secrets.databaseURL): every pod is replaced")
    again = decided(rotated.status, KNOWN | {"database": LATER})
    assert (rotations(again.status), told(again)) == ("1", [])


def test_labels_of_a_secret_restart_nothing() -> None:
    labelled = KNOWN | {"database": secret(version="2")}
    assert decided(settled(), labelled).status.secrets_revision == settled().secrets_revision


def test_users_keys_restart_nothing_where_pods_mount_them() -> None:
    rotated = decided(settled(), KNOWN | {"users": LATER})
    assert rotations(rotated.status) is None
    assert rotated.status.secrets_revision != settled().secrets_revision
    ((_, message),) = told(rotated)
    assert "without a restart" in message


def test_users_keys_restart_a_release_that_an_older_operator_started() -> None:
    template = pod_template("spark", release(1))
    template["spec"]["volumes"] = []
    world = seen(workload(1, 4))
    older = replace(world, revisions={release(1).name: replace(release(1), template=template)})
    rotated = decided(settled(), KNOWN | {"users": LATER}, world=older)
    assert count(rotated.status) == 1


def test_another_reference_is_a_rotation_too() -> None:
    changed = REFERENCES | {"databaseURL": {"name": "providers", "key": "anthropic"}}
    rotated = decided(settled(), KNOWN, references=changed)
    assert count(rotated.status) == 1
    assert told(rotated)[0][1].startswith("Secret providers (secrets.databaseURL)")


def test_a_reference_that_is_taken_out_is_told_too() -> None:
    fewer = {key: REFERENCES[key] for key in ("anthropicAPIKey", "apiKeys")}
    rotated = decided(settled(), KNOWN, references=fewer)
    assert "referred to no more (secrets.databaseURL)" in told(rotated)[0][1]


def test_a_secret_that_is_gone_changes_nothing_until_it_is_back_with_other_contents() -> None:
    gone = {name: KNOWN[name] for name in ("providers", "users")}
    missing = decided(settled(), gone)
    assert missing.status.secrets_revision == settled().secrets_revision
    assert count(decided(missing.status, KNOWN | {"database": LATER}).status) == 1


def test_a_secret_that_comes_after_the_resource_restarts_nothing() -> None:
    early = decided(status("Stable"), {name: KNOWN[name] for name in ("providers", "users")})
    complete = decided(early.status, KNOWN)
    assert (rotations(complete.status), told(complete)) == (None, [])
    assert complete.status.secrets_revision == settled().secrets_revision


def test_secrets_written_one_after_another_share_a_restart() -> None:
    once = decided(settled(), KNOWN | {"database": LATER})
    both = KNOWN | {"database": LATER, "providers": LATER}
    soon = decided(once.status, both, now=NOW + 3)
    assert (count(soon.status), soon.next_due) == (1, NOW + 10)
    assert count(decided(soon.status, both, now=NOW + 10).status) == 2


def test_a_lost_status_takes_over_what_the_templates_carry() -> None:
    carried = seen(replace(workload(1, 4), rotations=3))
    assert rotations(decided(status("Stable"), None, world=carried).status) == "3"
    assert rotations(decided(status("Stable"), KNOWN, world=carried).status) == "3"


def test_what_a_template_carries_is_read_from_its_deployment() -> None:
    after = decided(settled(), KNOWN | {"database": LATER}).status
    made = deployment(resource(1, after), release(1), 4)
    found = snapshot.workloads(Snapshot(body(1), children=(made,)))
    assert found[release(1).name].rotations == 1


@pytest.mark.parametrize("phase", ["Progressing", "Promoting", "RollingBack"])
def test_a_candidate_is_restarted_like_stable(phase: str) -> None:
    before = status(phase, candidate=2, weight=25, step=1, secrets_revision="4-")
    for version in (1, 2):
        made = deployment(resource(2, before), release(version), 1)["spec"]["template"]
        assert made["metadata"]["annotations"] == {"spark.dev/secrets": "4"}


def test_the_secrets_that_are_followed_are_those_that_pods_use() -> None:
    spec = resource(1, secrets=REFERENCES, verification={"apiKey": {"name": "v", "key": "k"}}).spec
    assert names(spec) == {"providers", "database", "users", "v"}


class TestStamp:
    """What names a Secret's contents without knowing them."""

    def test_only_the_writers_of_the_key_count(self) -> None:
        """Whoever else keeps labels, or other keys, in the same Secret."""
        mine: Any = {"f:data": {"f:url": {}}}
        entries = [
            {"manager": "me", "operation": "Apply", "time": "2024-01-01T00:00:00Z"},
            {"manager": "other", "operation": "Update", "time": "2024-01-01T00:00:00Z"},
            {"manager": "labels", "operation": "Update", "time": "2024-01-01T00:00:00Z"},
        ]
        fields = [mine, {"f:data": {"f:else": {}}}, {"f:metadata": {"f:labels": {}}}]

        def made(*times: str) -> str:
            fresh = [
                entry | {"fieldsV1": owned, "time": time}
                for entry, owned, time in zip(entries, fields, times, strict=True)
            ]
            return describe({"uid": "u", "resourceVersion": "1", "managedFields": fresh}).stamp(
                "url"
            )

        old, new = "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z"
        assert made(old, new, new) == made(old, old, old)
        assert made(new, old, old) != made(old, old, old)

    def test_without_managed_fields_every_change_counts(self) -> None:
        one, other = (describe({"uid": "u", "resourceVersion": v}) for v in "12")
        assert one.stamp("k") != other.stamp("k")
        assert not one.says_the_same_as(other)

    def test_one_made_anew_is_another(self) -> None:
        assert secret().stamp("url") != replace(secret(), uid="v").stamp("url")
