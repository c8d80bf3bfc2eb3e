"""Names and time limits of Jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import format_time
from spark_operator.api.jobs import Migrations
from spark_operator.api.values import seconds

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.status.runs import JobKind, JobStatus


STARTING_SECONDS: Final = 60.0
"""What synthetic requests are given beside their own time, for the pod to start."""


def job_name(name: str, job: JobStatus) -> str:
    """Name of a Job: at most 63 characters, because a label repeats it."""
    return f"{name}-{job.release}-{job.kind}-{job.number}"


def run_id(job: JobStatus) -> str:
    """What tells a Job from an earlier one of the same name."""
    return format_time(job.started_at)


def timeout(resource: SparkDeployment, kind: JobKind) -> float:
    """Seconds that a Job of this kind may take."""
    spec = resource.spec
    if kind == "preflight":
        return seconds(spec.preflight.timeout)
    if kind in ("migrate", "undo"):
        return seconds((spec.migrations or Migrations()).timeout)
    if kind == "traffic":
        bounds = spec.analysis.synthetic
        return bounds.max_requests / bounds.rate + STARTING_SECONDS
    return seconds(spec.verification.timeout)
