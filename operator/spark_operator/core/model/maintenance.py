"""Maintenance as status keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.status.status import SparkDeploymentStatus


def in_maintenance(status: SparkDeploymentStatus) -> bool:
    """Whether users are answered 503 on purpose."""
    return status.maintenance is not None and status.maintenance.state == "Active"


def when(at: datetime | None) -> str:
    """A time as people read it."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else "an unknown time"
