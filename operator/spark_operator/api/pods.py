"""``spec.pod``: how the service's pods run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import rules, within_limit
from spark_operator.api.references import ObjectName
from spark_operator.api.values import Quantity


class ResourceList(Model):
    """Amounts of the resources a container can be given."""

    cpu: Quantity | None = Field(None, description="CPU in cores, such as 500m.")
    memory: Quantity | None = Field(None, description="Memory in bytes, such as 256Mi.")


class Resources(Model):
    """What the service's container asks for and may use at most."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            within_limit("cpu"),
            within_limit("memory"),
        )
    )

    requests: ResourceList = Field(
        ResourceList(cpu="100m", memory="128Mi"), description="What the scheduler reserves."
    )
    limits: ResourceList = Field(
        ResourceList(memory="512Mi"), description="What the container may use at most."
    )


class LocalObjectReference(Model):
    """An object of the same namespace, by name."""

    name: ObjectName = Field(description="Name of the object.")


class PodSettings(Model):
    """How the service's pods run; part of a release."""

    port: int = Field(3000, ge=1024, le=65535, description="TCP port that the service listens on.")
    resources: Resources = Field(Resources(), description="Resources of the service's container.")
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] = Field(
        (),
        description="Secrets with the registry's credentials.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field(
        "IfNotPresent", description="When the kubelet pulls the image."
    )
    termination_grace_period_seconds: int = Field(
        60, ge=10, le=3600, description="Seconds between SIGTERM and SIGKILL."
    )
    node_selector: dict[
        Annotated[str, Field(max_length=317)], Annotated[str, Field(max_length=63)]
    ] = Field({}, max_length=16, description="Labels a node must have to run the pods.")
    priority_class_name: ObjectName | None = Field(None, description="PriorityClass of the pods.")
