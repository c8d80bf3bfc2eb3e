"""Metadata that every child has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spark_operator.api.base import API_VERSION, KIND
from spark_operator.core.model.labels import EPOCH_ANNOTATION, common

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment


def metadata(resource: SparkDeployment, name: str, release: str | None = None) -> dict[str, Any]:
    """Name, labels, owner and epoch of a child; the garbage collector follows the owner."""
    meta = resource.metadata
    return {
        "name": name,
        "namespace": meta.namespace,
        "labels": common(meta.name, release),
        "annotations": {EPOCH_ANNOTATION: str(resource.status.epoch)},
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": meta.name,
                "uid": meta.uid,
                "controller": True,
                "blockOwnerDeletion": False,
            }
        ],
    }
