"""What somebody adds to a child on a real apiserver is taken out, and then there is rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.core.apply.diff import Apply, Strip, diff
from spark_operator.core.model.labels import MANAGER, OWNER_LABEL
from spark_operator.core.model.objects import CHILD_KINDS
from tests.integration.operator.api.test_children import SPECS, apply, promoted, releases, wanted

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration


def _template(**members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": members}}}


def _container(**members: Any) -> dict[str, Any]:
    return _template(containers=[{"name": "spark", **members}])


ADDITIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "an environment variable": ("deployment", _container(env=[{"name": "X", "value": "1"}])),
    "a field of the container": ("deployment", _container(stdin=True)),
    "a sidecar": ("deployment", _template(containers=[{"name": "side", "image": "side:1"}])),
    "a field of the pod": ("deployment", _template(hostNetwork=True)),
    "a volume": ("deployment", _template(volumes=[{"name": "more", "emptyDir": {}}])),
    "a label": ("deployment", {"metadata": {"labels": {"team": "other"}}}),
    "a label of the pods": (
        "deployment",
        {"spec": {"template": {"metadata": {"labels": {"team": "other"}}}}},
    ),
    "a field of the Service": ("service", {"spec": {"sessionAffinity": "ClientIP"}}),
    "a port": (
        "service",
        {"spec": {"ports": [{"name": "more", "port": 81, "targetPort": 81, "protocol": "TCP"}]}},
    ),
    "a selector": ("service", {"spec": {"selector": {"team": "other"}}}),
    "a changed value": ("deployment", {"spec": {"replicas": 9}}),
}


def children(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    """The children with what kubectl hides: who set what."""
    kinds = ",".join(kind.plural for kind in CHILD_KINDS.values())
    selected = ("-n", namespace, "-l", f"{OWNER_LABEL}=spark", "--show-managed-fields")
    found: list[dict[str, Any]] = kubectl.json("get", kinds, *selected)["items"]
    return found


def _put_right(kubectl: Kubectl, namespace: str, resource: SparkDeployment) -> int:
    """Carry out writes as the operator does until there are none; how many decisions it took."""
    for draft in range(6):
        live = children(kubectl, namespace)
        writes = diff(wanted(resource), live, resource.metadata.uid, ours=resource.status.epoch)
        if not writes:
            return draft
        for write in writes:
            if isinstance(write, Apply):
                apply(kubectl, items=[write.manifest])
            elif isinstance(write, Strip):
                meta = write.manifest["metadata"]
                # A conflict with the apply before it is seen anew at the next reconcile.
                kubectl.try_run(
                    *("patch", write.manifest["kind"], meta["name"], "-n", namespace),
                    *("--type=strategic", f"--field-manager={MANAGER}"),
                    *("-p", json.dumps(write.manifest)),
                )
    raise AssertionError("it never came to rest")


@pytest.mark.parametrize(("kind", "patch"), ADDITIONS.values(), ids=ADDITIONS.keys())
def test_what_somebody_changes_or_adds_is_put_right(
    kubectl: Kubectl, namespace: str, kind: str, patch: dict[str, Any]
) -> None:
    resource = promoted(kubectl, namespace, SPECS["minimal"])
    apply(kubectl, items=wanted(resource))
    name = "spark" if kind == "service" else f"spark-{releases(resource)[0].name}"
    what = (kind, name, "-n", namespace)
    before = kubectl.json("get", *what)["spec"]
    kubectl("patch", *what, "--type=strategic", "-p", json.dumps(patch))
    assert 0 < _put_right(kubectl, namespace, resource) <= 3
    after = kubectl.json("get", *what)
    assert after["spec"] == before
    assert "team" not in after["metadata"]["labels"]


def test_annotations_are_left_to_their_owners(kubectl: Kubectl, namespace: str) -> None:
    resource = promoted(kubectl, namespace, SPECS["minimal"])
    apply(kubectl, items=wanted(resource))
    name = f"spark-{releases(resource)[0].name}"
    kubectl("annotate", "deployment", name, "-n", namespace, "note=mine")
    live = children(kubectl, namespace)
    uid = resource.metadata.uid
    assert diff(wanted(resource), live, uid, ours=resource.status.epoch) == []
