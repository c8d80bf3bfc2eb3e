"""Services: what users call, and one for each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.model.labels import NO_RELEASE, selector
from spark_operator.core.render.meta import metadata

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest

PORT = 80
"""Port that the Services offer."""


def routed_release(resource: SparkDeployment) -> str | None:
    """The release that the users' Service selects; None for all that have pods.

    The Service is shared only while a candidate has traffic and less than all of it.
    """
    status = resource.status
    if status.stable is None:
        return status.candidate.release if status.candidate else NO_RELEASE
    if status.candidate is None or status.first_traffic_at is None:
        return status.stable.release
    if status.weight.desired == 0:
        return status.stable.release
    return status.candidate.release if status.weight.desired == 100 else None


def services(resource: SparkDeployment) -> list[Manifest]:
    """The users' Service first: it is what cuts traffic."""
    name, status = resource.metadata.name, resource.status
    stable = status.stable.release if status.stable else NO_RELEASE
    candidate = status.candidate.release if status.candidate else NO_RELEASE
    return [
        _service(resource, name, routed_release(resource)),
        _service(resource, f"{name}-stable", stable),
        _service(resource, f"{name}-candidate", candidate),
    ]


def _service(resource: SparkDeployment, name: str, release: str | None) -> Manifest:
    selected = NO_RELEASE if resource.spec.isolated else release
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(resource, name),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(resource.metadata.name, selected),
            "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }
