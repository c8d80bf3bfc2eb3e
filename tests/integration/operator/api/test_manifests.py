"""What is shipped in manifests/ installs, is accepted, and gives the operator no right too many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from spark_operator.adapters.kubernetes.child_watch import WATCHED
from spark_operator.adapters.kubernetes.client import FIXED_CHILDREN
from spark_operator.core.model.objects import CHILD_KINDS

if TYPE_CHECKING:
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

MANIFESTS = Path(__file__).resolve().parents[4] / "manifests"
EXAMPLES = MANIFESTS / "examples"
ENVIRONMENTS = ("development", "staging", "production")
SEE = {"list", "watch"}
READ = SEE | {"get"}
CHANGE = SEE | {"create", "patch", "delete"}
OWN = CHANGE | {"get"}
RIGHTS = {
    "sparkdeployments.spark.dev": READ,
    "sparkdeployments/status.spark.dev": {"update"},
    "pods": SEE | {"patch"},
    "secrets": SEE,
    "services": OWN,
    "serviceaccounts": OWN,
    "configmaps": OWN,
    "deployments.apps": OWN,
    "jobs.batch": CHANGE,
    "controllerrevisions.apps": {"list", "create", "delete"},
    "poddisruptionbudgets.policy": OWN,
    "networkpolicies.networking.k8s.io": OWN,
    "events": {"get", "create", "patch"},
}
"""All that the operator may do; a right that is added must be added here, with a reason."""
LEASES = {"leases.coordination.k8s.io": {"create", "get", "update"}}
"""In the operator's own namespace only: which replica leads."""


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> None:
    kubectl("apply", "-k", str(MANIFESTS / "install"))


def rights(kubectl: Kubectl, namespace: str, account: str) -> dict[str, set[str]]:
    """Resources and verbs that RBAC grants in a namespace, those of everybody left out."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = kubectl.json(
        *("create", f"--as=system:serviceaccount:{account}", "--validate=false", "-f", "-"),
        stdin=json.dumps(review),
    )
    found: dict[str, set[str]] = {}
    for rule in answer["status"]["resourceRules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                name = f"{resource}.{group}" if group else resource
                found.setdefault(name, set()).update(rule["verbs"])
    return {
        name: verbs
        for name, verbs in found.items()
        if not name.endswith((".authorization.k8s.io", ".authentication.k8s.io"))
    }


@pytest.mark.usefixtures("installed")
def test_operator_has_the_rights_it_needs_and_no_other(kubectl: Kubectl) -> None:
    account = "spark-system:spark-operator"
    assert rights(kubectl, "default", account) == RIGHTS
    assert rights(kubectl, "spark-system", account) == RIGHTS | LEASES


def test_every_kind_that_the_operator_makes_is_in_its_rights() -> None:
    by_name = {name for name, _ in FIXED_CHILDREN} | {"Deployment"}
    for name, kind in CHILD_KINDS.items():
        group, _, _ = kind.api_version.rpartition("/")
        given = RIGHTS[f"{kind.plural}.{group}" if group else kind.plural]
        assert {"list", "create", "delete"} <= given, name
        assert ("get" in given) == (name in by_name), name


def test_every_kind_that_the_operator_watches_is_in_its_rights() -> None:
    for version, plural in WATCHED:
        group = version.rpartition("/")[0]
        assert RIGHTS[f"{plural}.{group}" if group else plural] >= SEE, plural


@pytest.mark.usefixtures("installed")
def test_namespaced_operator_has_no_right_elsewhere(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "spark")
    kubectl("apply", "-k", str(MANIFESTS / "namespaced"))
    assert rights(kubectl, "spark", "spark:spark-operator") == RIGHTS | LEASES
    assert rights(kubectl, "default", "spark:spark-operator") == {}


@pytest.mark.usefixtures("installed")
def test_namespaced_operator_watches_its_own_namespace(kubectl: Kubectl) -> None:
    rendered = yaml.safe_load_all(kubectl("kustomize", str(MANIFESTS / "namespaced")))
    deployment = next(item for item in rendered if item["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    sources = {entry["name"]: entry["valueFrom"]["fieldRef"] for entry in container["env"]}
    assert sources["SPARK_OPERATOR_NAMESPACES"] == {"fieldPath": "metadata.namespace"}


@pytest.mark.usefixtures("installed")
def test_operators_pod_is_admitted_where_only_restricted_ones_are(kubectl: Kubectl) -> None:
    deployment = kubectl.json("get", "deployment", "spark-operator", "-n", "spark-system")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "trial", "namespace": "spark-system"},
        "spec": deployment["spec"]["template"]["spec"],
    }
    create = ("create", "--dry-run=server", "-f", "-")
    kubectl(*create, stdin=json.dumps(pod))
    # The namespace does judge: the same pod as root is turned away.
    pod["spec"]["securityContext"] = {"runAsUser": 0}
    refused = kubectl.try_run(*create, stdin=json.dumps(pod))
    assert "restricted" in refused.stderr


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("view", READ),
        ("edit", OWN | {"update", "deletecollection"}),
        ("admin", OWN | {"update", "deletecollection"}),
    ],
)
def test_editors_of_a_namespace_edit_its_resources_without_status(
    kubectl: Kubectl, role: str, verbs: set[str]
) -> None:
    """No controller aggregates here, so the labels are looked at instead of the result."""
    label = f"rbac.authorization.k8s.io/aggregate-to-{role}=true"
    found = kubectl.json("get", "clusterroles", "-l", label)
    granted: dict[str, set[str]] = {}
    for item in found["items"]:
        for rule in item["rules"] or []:
            if rule.get("apiGroups") == ["spark.dev"]:
                for resource in rule["resources"]:
                    granted.setdefault(resource, set()).update(rule["verbs"])
    assert granted["sparkdeployments"] == verbs
    assert granted["sparkdeployments/status"] == READ


@pytest.mark.parametrize("name", ["minimal", "full"])
def test_example_is_accepted(kubectl: Kubectl, namespace: str, name: str) -> None:
    apply = ("apply", "-n", namespace, "--dry-run=server", "--validate=strict")
    kubectl(*apply, "-f", str(EXAMPLES / f"{name}.yaml"))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_is_accepted_with_its_own_settings(kubectl: Kubectl, name: str) -> None:
    kubectl("create", "namespace", name)
    kubectl("apply", "-k", str(EXAMPLES / "environments" / name))
    spec = kubectl.json("get", "sdep", "spark", "-n", name)["spec"]
    assert spec["environment"] == name
    assert spec["image"] == "ghcr.io/acme/spark:1.4.0"
    assert {"anthropicAPIKey", "openaiAPIKey"} <= set(spec["secrets"])
