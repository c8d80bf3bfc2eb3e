"""When a decision counts as a new one, which children must follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.decide.signals import (
    isolation,
)
from spark_operator.core.model import credentials

if TYPE_CHECKING:
    from spark_operator.api.status.status import (
        SparkDeploymentStatus,
    )


def moves_children(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> bool:
    """Whether a decision changes what the children should be."""

    def projected(status: SparkDeploymentStatus) -> tuple[object, ...]:
        return (
            status.phase,
            status.stable and status.stable.release,
            status.candidate and status.candidate.release,
            status.previous and status.previous.release,
            status.weight.desired,
            status.maintenance,
            status.first_traffic_at is None,
            isolation.recorded(status),
            credentials.count(status),
        )

    return projected(before) != projected(after)
