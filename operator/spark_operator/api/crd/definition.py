"""The CustomResourceDefinition of ``SparkDeployment``, as one JSON-like object."""

from __future__ import annotations

from typing import Any, Final

from spark_operator.api import base
from spark_operator.api.crd.cel import rule
from spark_operator.api.crd.schema import VALIDATIONS, structural
from spark_operator.api.resource import SparkDeployment
from spark_operator.api.spec import SparkDeploymentSpec
from spark_operator.api.status.status import SparkDeploymentStatus

MAX_OBJECT_NAME: Final = 253
"""Longest name that Kubernetes itself allows; bounds the cost of the rules on names."""


def custom_resource_definition() -> dict[str, Any]:
    """The whole CRD, ready to be applied.

    Raises:
        SchemaError: a model can't be written as a structural schema.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{base.PLURAL}.{base.GROUP}"},
        "spec": {
            "group": base.GROUP,
            "names": {
                "kind": base.KIND,
                "listKind": f"{base.KIND}List",
                "plural": base.PLURAL,
                "singular": base.SINGULAR,
                "shortNames": [base.SHORT_NAME],
                "categories": [base.CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": base.VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": _columns(),
        "schema": {"openAPIV3Schema": _root()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
    }


def _root() -> dict[str, Any]:
    return {
        "description": " ".join((SparkDeployment.__doc__ or "").split()),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": MAX_OBJECT_NAME}},
            },
            "spec": structural(SparkDeploymentSpec, "spec"),
            "status": structural(SparkDeploymentStatus, "status", mode="serialization"),
        },
        VALIDATIONS: [
            rule(
                f"self.metadata.name.size() <= {base.MAX_NAME_LENGTH}",
                f"metadata.name has more than {base.MAX_NAME_LENGTH} characters: shorten it,"
                " so that the names made from it fit",
                field=".metadata.name",
            ),
            rule(
                "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name can't name a Service: use lower case letters, digits and -,"
                " starting with a letter and ending with a letter or digit",
                field=".metadata.name",
            ),
        ],
    }


def _columns() -> list[dict[str, Any]]:
    return [
        _column("Phase", ".status.phase", "Where the resource stands"),
        _column("Weight", ".status.weight.actual", "Candidate's share of traffic in %", "integer"),
        _column("Step", ".status.step.position", "Step of the rollout plan"),
        _column("Stable", ".status.stable.release", "Release users are served by"),
        _column("Candidate", ".status.candidate.release", "Release on trial"),
        _column("Ready", _condition("Ready", "status"), "Whether what spec asks for is running"),
        _column("Age", ".metadata.creationTimestamp", "Since when it exists", "date"),
        _column("Reason", _condition("Ready", "reason"), "Why it is ready or not", priority=1),
        _column("Image", ".spec.image", "Image that spec asks for", priority=1),
    ]


def _condition(kind: str, member: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{member}'


def _column(
    name: str, path: str, description: str, kind: str = "string", *, priority: int = 0
) -> dict[str, Any]:
    column = {"name": name, "type": kind, "description": description, "jsonPath": path}
    return {**column, "priority": priority} if priority else column
