"""``spec.preflight``, ``spec.migrations``, ``spec.verification``: work done by Jobs.

Each Job runs the release's own image with the release's own environment and credentials, so the
operator never holds them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spark_operator.api.base import Model
from spark_operator.api.crd.cel import between
from spark_operator.api.references import SecretKeyRef
from spark_operator.api.values import Duration, Percent

Command = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=256)], ...],
    Field(min_length=1, max_length=16, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]


class Preflight(Model):
    """Checks of keys and dependencies before a candidate's first pod."""

    enabled: bool = Field(True, description="Whether it is run.")
    command: Command = Field(
        ("spark-app", "preflight"), description="What the Job runs in the release's image."
    )
    timeout: Duration = Field(
        "2m",
        description="Longest time it may take, pulling the image included.",
        json_schema_extra=between("5s", "1h"),
    )


class Migrations(Model):
    """Schema changes of a release; part of the release."""

    command: Command = Field(
        ("spark-app", "migrate", "up"),
        description="What the Job runs in the release's image before its first pod.",
    )
    rollback_command: Command = Field(
        ("spark-app", "migrate", "rollback"),
        description="What undoes it, in the same image; --to VERSION is appended.",
    )
    rollback: Literal["Allowed", "Forbidden", "Automatic"] = Field(
        "Allowed",
        description="Undone after a rollback by itself, only when a person asks, or never.",
    )
    timeout: Duration = Field(
        "10m",
        description="Longest time one run may take.",
        json_schema_extra=between("5s", "24h"),
    )


class Verification(Model):
    """A health check, a generation and an export through the service's real API."""

    enabled: bool = Field(True, description="Whether it is run.")
    api_key: SecretKeyRef | None = Field(
        None,
        alias="apiKey",
        description="Key that its requests carry, known to the service beside the users' keys; it"
        " passes maintenance. Needed where the service asks for keys.",
    )
    health: Duration = Field(
        "100ms",
        description="Longest time of a health check.",
        json_schema_extra=between("1ms", "1m"),
    )
    generate: Duration = Field(
        "15s",
        description="Longest time of a generation.",
        json_schema_extra=between("100ms", "10m"),
    )
    export: Duration = Field(
        "2s", description="Longest time of an export.", json_schema_extra=between("10ms", "10m")
    )
    error_rate: Percent = Field(
        "1%", description="Highest error rate at a step; only its lower bound counts against it."
    )
    timeout: Duration = Field(
        "1m",
        description="Longest time of one run.",
        json_schema_extra=between("5s", "1h"),
    )
