"""The roles that releases have in a status."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus


def has_begun(status: SparkDeploymentStatus) -> bool:
    """Whether any release runs: from then on, no name that somebody takes stops all the rest."""
    return status.stable is not None or status.candidate is not None
