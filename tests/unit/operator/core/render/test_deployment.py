"""A release keeps the pod template it was first rendered with: an upgrade restarts nothing."""

from __future__ import annotations

from spark_operator.core.model.release import Release
from spark_operator.core.observe import snapshot
from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.core.render import revision
from spark_operator.core.render.deployment import deployment
from tests.unit.operator.core.builders import body, release, resource

OLDER = "/older-path"


def _kept_by_an_older_operator() -> Release:
    """Version 1 as its ControllerRevision gives it, written when probes were another's."""
    manifest = revision(resource(1), release(1), 1)
    container = manifest["data"]["template"]["spec"]["containers"][0]
    container["readinessProbe"]["httpGet"]["path"] = OLDER
    found = snapshot.revisions(Snapshot(body(1), children=(manifest,)))
    return found[release(1).name][0]


def test_the_kept_template_is_rendered_not_todays() -> None:
    rendered = deployment(resource(1), _kept_by_an_older_operator(), 2)
    container = rendered["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == OLDER


def test_the_template_is_no_part_of_the_name() -> None:
    assert _kept_by_an_older_operator().name == release(1).name
    assert _kept_by_an_older_operator() == release(1)


def test_credentials_are_todays_whatever_the_template() -> None:
    asked = resource(1, secrets={"openaiAPIKey": {"name": "rotated", "key": "k"}})
    rendered = deployment(asked, _kept_by_an_older_operator(), 2)
    environment = rendered["spec"]["template"]["spec"]["containers"][0]["env"]
    secrets = {item["name"]: item.get("valueFrom") for item in environment}
    assert secrets["OPENAI_API_KEY"] == {"secretKeyRef": {"name": "rotated", "key": "k"}}
    assert "ANTHROPIC_API_KEY" not in secrets


def test_no_credential_reference_is_kept_with_the_release() -> None:
    assert "secretKeyRef" not in str(revision(resource(1), release(1), 1)["data"])


def test_a_name_given_by_a_newer_operator_is_kept() -> None:
    assert Release.from_data(release(1).data() | {"later": 1}, "abcdef0123").name == "abcdef0123"
