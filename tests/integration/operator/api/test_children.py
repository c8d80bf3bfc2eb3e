"""The children as a real apiserver takes them: with the operator's rights, and at rest afterwards.

A child that differs from what was asked as soon as it is stored would be written each time.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from spark_operator.api.resource import SparkDeployment, parse
from spark_operator.core.apply.diff import diff
from spark_operator.core.model.labels import MANAGER, OWNER_LABEL
from spark_operator.core.model.objects import CHILD_KINDS
from spark_operator.core.model.release import Release
from spark_operator.core.render import render, revision

if TYPE_CHECKING:
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

MANIFESTS = Path(__file__).resolve().parents[4] / "manifests"
AS_OPERATOR = "--as=system:serviceaccount:spark-system:spark-operator"
NOW = "2026-11-24T06:00:00Z"
ODD_QUANTITIES = {
    "requests": {"cpu": "0.25", "memory": "0.5Gi"},
    "limits": {"cpu": "1500m", "memory": "1048576Ki"},
}
SPECS: dict[str, dict[str, Any]] = {
    "minimal": yaml.safe_load((MANIFESTS / "examples/minimal.yaml").read_text())["spec"],
    "full": yaml.safe_load((MANIFESTS / "examples/full.yaml").read_text())["spec"],
}
SPECS["odd quantities"] = SPECS["minimal"] | {"pod": {"resources": ODD_QUANTITIES}}


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> None:
    kubectl("apply", "-k", str(MANIFESTS / "install"))


def promoted(kubectl: Kubectl, namespace: str, spec: dict[str, Any]) -> SparkDeployment:
    """A stored resource that has a stable release and a candidate on trial."""
    manifest = {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "metadata": {"name": "spark"},
        "spec": spec,
    }
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))
    stored = kubectl.json("get", "sdep", "spark", "-n", namespace)
    release, other = releases(parse(stored))
    stored["status"] = {
        "phase": "Progressing",
        "epoch": 3,
        "stable": {"release": release.name, "image": release.image, "since": NOW},
        "candidate": {"release": other.name, "image": other.image, "since": NOW},
        "weight": {"desired": 25, "actual": 25},
        "firstTrafficAt": NOW,
    }
    return parse(stored)


def releases(resource: SparkDeployment) -> tuple[Release, Release]:
    """Stable, which is what spec says, and a candidate with another image."""
    stable = Release.of(resource.spec)
    return stable, replace(stable, image="spark:0")


def wanted(resource: SparkDeployment) -> list[dict[str, Any]]:
    return render(resource, {release.name: release for release in releases(resource)})


def children(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    kinds = ",".join(kind.plural for kind in CHILD_KINDS.values())
    found: list[dict[str, Any]] = kubectl.json(
        *("get", kinds, "-n", namespace, "-l", f"{OWNER_LABEL}=spark")
    )["items"]
    return found


def apply(kubectl: Kubectl, *arguments: str, items: list[dict[str, Any]]) -> str:
    """Apply as the operator does; kubectl's own validation needs a right the operator has not."""
    body = {"apiVersion": "v1", "kind": "List", "items": items}
    return kubectl(
        *("apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}"),
        *("--validate=false", "-f", "-", *arguments),
        stdin=json.dumps(body),
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_children_are_accepted_from_the_operator_and_then_at_rest(
    kubectl: Kubectl, namespace: str, spec: dict[str, Any]
) -> None:
    resource = promoted(kubectl, namespace, spec)
    apply(kubectl, AS_OPERATOR, items=wanted(resource))
    live = children(kubectl, namespace)
    uid = resource.metadata.uid
    assert {item["kind"] for item in live} == set(CHILD_KINDS) - {"ControllerRevision", "Job"}
    assert diff(wanted(resource), live, uid, ours=resource.status.epoch) == []
    before = {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in live}
    apply(kubectl, AS_OPERATOR, items=wanted(resource))
    after = children(kubectl, namespace)
    assert before == {
        item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in after
    }


def test_children_have_no_field_that_the_apiserver_does_not_know(
    kubectl: Kubectl, namespace: str
) -> None:
    resource = promoted(kubectl, namespace, SPECS["full"])
    items = wanted(resource)
    kubectl(
        *("apply", "--server-side", "--validate=strict", "--dry-run=server", "-f", "-"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
    )


@pytest.mark.usefixtures("installed")
def test_release_is_kept_word_for_word_and_cannot_be_changed(
    kubectl: Kubectl, namespace: str
) -> None:
    resource = promoted(kubectl, namespace, SPECS["full"])
    release = Release.of(resource.spec)
    made = revision(resource, release, 7)
    kubectl("create", AS_OPERATOR, "--validate=false", "-f", "-", stdin=json.dumps(made))
    name = made["metadata"]["name"]
    stored = kubectl.json("get", "controllerrevision", name, "-n", namespace)
    assert stored["revision"] == 7
    assert Release.from_data(stored["data"]) == release
    change = json.dumps({"data": {"image": "other"}})
    refused = kubectl.try_run(
        *("patch", "controllerrevision", name, "-n", namespace, "--type=merge", "-p", change)
    )
    assert refused.returncode != 0


@pytest.mark.usefixtures("installed")
def test_longest_name_fits_every_child(kubectl: Kubectl, namespace: str) -> None:
    resource = promoted(kubectl, namespace, SPECS["minimal"])
    metadata = resource.metadata.model_copy(update={"name": "a" * 40})
    named = resource.model_copy(update={"metadata": metadata})
    apply(kubectl, AS_OPERATOR, "--dry-run=server", items=wanted(named))
