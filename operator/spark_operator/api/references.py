"""References to other objects of the resource's namespace."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import explained

ObjectName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        max_length=253,
        json_schema_extra=explained(
            "not the name of an object: use lower case letters, digits, - and .,"
            " starting and ending with a letter or digit"
        ),
    ),
]
DataKey = Annotated[
    str,
    Field(
        pattern=r"^[-._a-zA-Z0-9]+$",
        max_length=253,
        json_schema_extra=explained("not a key of a Secret: use letters, digits, -, _ and ."),
    ),
]


class SecretKeyRef(Model):
    """One key of a Secret in the resource's namespace."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})

    name: ObjectName = Field(description="Name of the Secret.")
    key: DataKey = Field(description="Key inside the Secret.")
