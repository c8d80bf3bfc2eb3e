"""``SparkDeployment``: the whole resource as the operator reads it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

from spark_operator.api.base import Model
from spark_operator.api.fields import Time
from spark_operator.api.spec import SparkDeploymentSpec
from spark_operator.api.status.status import SparkDeploymentStatus


class InvalidResourceError(Exception):
    """A resource does not fit this operator's models; the message names fields and what to do."""


class ObjectMeta(Model):
    """The part of Kubernetes' metadata that the operator reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    annotations: dict[str, str] = Field(default_factory=dict)
    deletion_timestamp: Time | None = None


class SparkDeployment(Model):
    """A SPARK service with its releases."""

    metadata: ObjectMeta
    spec: SparkDeploymentSpec
    status: SparkDeploymentStatus = SparkDeploymentStatus()


def parse(body: dict[str, Any]) -> SparkDeployment:
    """Read a resource as the API server gives it.

    Raises:
        InvalidResourceError: a field is missing or out of bounds, as happens with a resource
            stored under an older schema.
    """
    try:
        return SparkDeployment.model_validate(body)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()[:5]
        )
        raise InvalidResourceError(f"correct these fields and apply again: {problems}") from error
