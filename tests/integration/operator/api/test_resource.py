"""The resource in a real apiserver: defaults, subresources, columns, server-side apply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.references import SecretKeyRef
from spark_operator.api.resource import parse
from spark_operator.api.secrets import Secrets
from spark_operator.api.spec import SparkDeploymentSpec
from tests.integration.conftest import ROOT

if TYPE_CHECKING:
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

MINIMAL = """
apiVersion: spark.dev/v1alpha1
kind: SparkDeployment
metadata: {name: spark}
spec: {image: "ghcr.io/acme/spark:1.4.0", secrets: {anthropicAPIKey: {name: keys, key: claude}}}
"""
HASH = "0123456789"
NOW = "2026-11-24T06:00:00Z"
STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "phase": "Progressing",
    "weight": {"desired": 25, "actual": 20},
    "step": {"index": 1, "total": 4, "enteredAt": NOW, "position": "2/4"},
    "stable": {"release": HASH, "image": "a:1", "since": NOW},
    "candidate": {"release": HASH[::-1], "image": "a:2", "since": NOW},
    "replicas": 2,
    "selector": "spark.dev/name=spark",
    "conditions": [
        {
            "type": "Ready",
            "status": "False",
            "reason": "Progressing",
            "message": "on trial",
            "observedGeneration": 1,
            "lastTransitionTime": NOW,
        }
    ],
}
FOUR_STEPS = 4


@pytest.fixture
def spark(kubectl: Kubectl, namespace: str) -> str:
    """Namespace of a minimal resource."""
    kubectl("apply", "-n", namespace, "-f", "-", stdin=MINIMAL)
    return namespace


def write_status(kubectl: Kubectl, namespace: str, status: dict[str, Any]) -> None:
    kubectl(
        *("patch", "sdep", "spark", "-n", namespace, "--subresource=status", "--type=merge"),
        f"--patch={json.dumps({'status': status})}",
    )


def test_crd_is_established_under_all_its_names(kubectl: Kubectl) -> None:
    found = kubectl("api-resources", "--categories=spark", "--no-headers")
    names = ["sparkdeployments", "sdep", "spark.dev/v1alpha1", "true", "SparkDeployment"]
    assert found.split() == names


@pytest.mark.parametrize("form", ["-f", "-k"])
def test_the_folder_of_the_crd_is_applied_in_either_form(kubectl: Kubectl, form: str) -> None:
    found = kubectl("apply", "--dry-run=server", "-o=name", form, str(ROOT / "crds"))
    crd = "customresourcedefinition.apiextensions.k8s.io/sparkdeployments.spark.dev"
    assert found.split() == [crd]


def test_four_lines_are_a_complete_resource(kubectl: Kubectl, spark: str) -> None:
    stored = kubectl.json("get", "sdep", "spark", "-n", spark)
    key = SecretKeyRef(name="keys", key="claude")
    wanted = SparkDeploymentSpec(
        image="ghcr.io/acme/spark:1.4.0", secrets=Secrets(anthropic_api_key=key)
    )
    assert stored["spec"] == wanted.to_dict()
    assert parse(stored).spec == wanted


def test_part_of_an_object_is_filled_up_around_what_was_written(
    kubectl: Kubectl, spark: str
) -> None:
    change = {"spec": {"analysis": {"errorRate": {"critical": "8%"}}, "pod": {"port": 8080}}}
    kubectl("patch", "sdep", "spark", "-n", spark, "--type=merge", f"--patch={json.dumps(change)}")
    spec = kubectl.json("get", "sdep", "spark", "-n", spark)["spec"]
    assert spec["analysis"]["errorRate"] == {"warning": "5%", "critical": "8%"}
    assert spec["pod"]["terminationGracePeriodSeconds"] == 60
    assert len(spec["strategy"]["canary"]["steps"]) == FOUR_STEPS


def test_status_and_spec_are_written_apart(kubectl: Kubectl, spark: str) -> None:
    before = kubectl.json("get", "sdep", "spark", "-n", spark)
    kubectl(
        *("patch", "sdep", "spark", "-n", spark, "--subresource=status", "--type=merge"),
        f"--patch={json.dumps({'spec': {'replicas': 9}, 'status': STATUS})}",
    )
    after = kubectl.json("get", "sdep", "spark", "-n", spark)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["status"] == STATUS
    patch = json.dumps({"spec": {"replicas": 3}, "status": {"phase": "Stable"}})
    kubectl("patch", "sdep", "spark", "-n", spark, "--type=merge", f"--patch={patch}")
    last = kubectl.json("get", "sdep", "spark", "-n", spark)
    assert last["status"]["phase"] == "Progressing"
    assert last["metadata"]["generation"] == after["metadata"]["generation"] + 1


def test_status_that_breaks_a_bound_is_refused(kubectl: Kubectl, spark: str) -> None:
    patch = json.dumps({"status": {"weight": {"actual": 101}}})
    done = kubectl.try_run(
        *("patch", "sdep", "spark", "-n", spark, "--subresource=status", "--type=merge"),
        f"--patch={patch}",
    )
    assert "status.weight.actual" in done.stderr


def test_models_read_the_status_they_wrote(kubectl: Kubectl, spark: str) -> None:
    write_status(kubectl, spark, STATUS)
    read = parse(kubectl.json("get", "sdep", "spark", "-n", spark)).status
    assert read.step is not None
    assert read.step.position == "2/4"
    write_status(kubectl, spark, read.to_dict())
    assert parse(kubectl.json("get", "sdep", "spark", "-n", spark)).status == read


def test_scale_is_served_for_people_and_autoscalers(kubectl: Kubectl, spark: str) -> None:
    write_status(kubectl, spark, STATUS)
    kubectl("scale", "sdep/spark", "-n", spark, "--replicas=5")
    assert kubectl.json("get", "sdep", "spark", "-n", spark)["spec"]["replicas"] == 5
    path = f"/apis/spark.dev/v1alpha1/namespaces/{spark}/sparkdeployments/spark/scale"
    scale = json.loads(kubectl("get", "--raw", path))
    assert (scale["apiVersion"], scale["kind"]) == ("autoscaling/v1", "Scale")
    assert scale["spec"] == {"replicas": 5}
    assert scale["status"] == {"replicas": 2, "selector": "spark.dev/name=spark"}


def test_autoscaler_is_made_by_one_command(kubectl: Kubectl, spark: str) -> None:
    kubectl("autoscale", "sdep", "spark", "-n", spark, "--min=2", "--max=10", "--cpu=70%")
    target = kubectl.json("get", "hpa", "spark", "-n", spark)["spec"]["scaleTargetRef"]
    assert target == {
        "apiVersion": "spark.dev/v1alpha1",
        "kind": "SparkDeployment",
        "name": "spark",
    }


def test_scale_keeps_the_bounds_of_replicas(kubectl: Kubectl, spark: str) -> None:
    done = kubectl.try_run("scale", "sdep/spark", "-n", spark, "--replicas=0")
    assert "spec.replicas" in done.stderr
    assert "greater than or equal to 1" in done.stderr


def test_table_shows_where_a_rollout_stands(kubectl: Kubectl, spark: str) -> None:
    write_status(kubectl, spark, STATUS)
    header, row = (line.split() for line in kubectl("get", "sdep", "-n", spark).splitlines())
    assert header == ["NAME", "PHASE", "WEIGHT", "STEP", "STABLE", "CANDIDATE", "READY", "AGE"]
    assert row[:-1] == ["spark", "Progressing", "20", "2/4", HASH, HASH[::-1], "False"]
    wide = kubectl("get", "sdep", "-n", spark, "-o", "wide").splitlines()
    assert wide[0].split()[-2:] == ["REASON", "IMAGE"]
    assert wide[1].split()[-2:] == ["Progressing", "ghcr.io/acme/spark:1.4.0"]


def test_kubectl_waits_for_ready(kubectl: Kubectl, spark: str) -> None:
    ready = [{**STATUS["conditions"][0], "status": "True"}]
    write_status(kubectl, spark, {**STATUS, "conditions": ready})
    kubectl("wait", "--for=condition=Ready", "sdep/spark", "-n", spark, "--timeout=5s")


def test_explain_describes_every_level(kubectl: Kubectl) -> None:
    told = kubectl("explain", "sdep.spec.strategy.canary.steps.minDuration")
    assert "Shortest time at this weight" in told


def test_server_side_apply_owns_single_fields(kubectl: Kubectl, namespace: str) -> None:
    apply = ("apply", "-n", namespace, "--server-side", "--validate=strict", "-f", "-")
    kubectl(*apply, "--field-manager=team", stdin=MINIMAL)
    head = MINIMAL.replace("spec:", "#")
    kubectl(*apply, "--field-manager=hpa", stdin=f"{head}spec: {{replicas: 7}}\n")
    kubectl(*apply, "--field-manager=team", stdin=MINIMAL)
    assert kubectl.json("get", "sdep", "spark", "-n", namespace)["spec"]["replicas"] == 7
    done = kubectl.try_run(*apply, "--field-manager=other", stdin=f"{head}spec: {{replicas: 8}}\n")
    assert "conflict" in done.stderr
    assert ".spec.replicas" in done.stderr


def test_server_side_apply_refuses_unknown_fields(kubectl: Kubectl, namespace: str) -> None:
    done = kubectl.try_run(
        *("apply", "-n", namespace, "--server-side", "--validate=strict", "-f", "-"),
        stdin=MINIMAL.replace("spec: {", "spec: {image_tag: x, "),
    )
    assert done.returncode != 0
    assert "image_tag" in done.stderr


def test_conditions_are_merged_by_type(kubectl: Kubectl, spark: str) -> None:
    base = MINIMAL.replace("spec:", "#")
    for manager, kind in (("one", "Ready"), ("two", "Degraded")):
        condition = json.dumps([{**STATUS["conditions"][0], "type": kind}])
        kubectl(
            *("apply", "-n", spark, "--server-side", "--subresource=status", "-f", "-"),
            f"--field-manager={manager}",
            stdin=f"{base}status: {{conditions: {condition}}}\n",
        )
    conditions = kubectl.json("get", "sdep", "spark", "-n", spark)["status"]["conditions"]
    assert {condition["type"] for condition in conditions} == {"Ready", "Degraded"}
