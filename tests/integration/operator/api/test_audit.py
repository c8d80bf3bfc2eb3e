"""Who changed what, from the managed fields that a real apiserver keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.api.resource import parse
from spark_operator.core.decide.decide import decide
from spark_operator.core.observe.managed_fields import asked_by
from spark_operator.core.observe.observations import Observations
from tests.integration.operator.api.test_resource import MINIMAL

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

NOW = 1_800_000_000.0


def look(kubectl: Kubectl, namespace: str, before: SparkDeploymentStatus | None = None) -> Decision:
    body: dict[str, Any] = kubectl.json(
        "get", "sdep", "spark", "-n", namespace, "--show-managed-fields"
    )
    found = parse(body)
    found = found.model_copy(update={"status": before}) if before else found
    managed = tuple(body["metadata"]["managedFields"])
    return decide(found, replace(Observations(), managed=managed), NOW)


def told(decision: Decision) -> list[str]:
    return [event.message for event in decision.events if event.reason == "SpecChanged"]


def test_people_tools_and_requests_are_told_apart(kubectl: Kubectl, namespace: str) -> None:
    here = ("-n", namespace)
    kubectl("apply", *here, "-f", "-", stdin=MINIMAL)
    first = look(kubectl, namespace)
    assert told(first) == []
    patch = '{"spec": {"revokedKeys": ["user-7"], "config": {"LOG_LEVEL": "debug"}}}'
    edit = ("--type=merge", "--field-manager=kubectl-edit", "-p", patch)
    kubectl("patch", "sdep", "spark", *here, *edit)
    second = look(kubectl, namespace, first.status)
    assert told(second) == ["by kubectl-edit: spec.config.LOG_LEVEL, spec.revokedKeys[]"]
    newer = MINIMAL.replace("1.4.0", "1.5.0")
    serverside = ("--server-side", "--field-manager=argocd", "--force-conflicts")
    kubectl("apply", *here, *serverside, "-f", "-", stdin=newer)
    third = look(kubectl, namespace, second.status)
    assert told(third) == ["by argocd: spec.image"]
    kubectl("annotate", "sdep", "spark", *here, "spark.dev/abort=now")
    kubectl("scale", "sdep", "spark", *here, "--replicas=7")
    body = kubectl.json("get", "sdep", "spark", *here, "--show-managed-fields")
    assert asked_by(body["metadata"]["managedFields"], "spark.dev/abort") == "kubectl-annotate"
    assert told(look(kubectl, namespace, third.status)) == []
