"""What is decided, written to status: the only truth of the next reconcile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pydantic_core import PydanticSerializationError

from spark_operator.api.resource import SparkDeployment
from spark_operator.api.status.fit import fit
from spark_operator.core.decide.report.invalid import invalid_status
from spark_operator.core.model.release import Release
from spark_operator.core.render import revision
from spark_operator.ports.cluster import (
    Cluster,
    ClusterError,
    ConflictError,
    GoneError,
    TooLargeError,
    key_of,
)
from spark_operator.reconcile.apply import named

if TYPE_CHECKING:
    from spark_operator.api.resource import InvalidResourceError
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.observe.observations import Observations

log = logging.getLogger(__name__)
REPORT: Final = (
    "conditions",
    "diagnosis",
    "ledger",
    "history",
    "verdict",
    "notifications",
    "failure",
    "jobs",
)
"""Members of status that hold texts from outside."""


async def persist(
    cluster: Cluster, resource: SparkDeployment, body: Manifest, decision: Decision
) -> tuple[SparkDeployment, Manifest]:
    """Store the decision's status where it says something new.

    Args:
        cluster: the API server.
        resource: what was decided on.
        body: the same as it is stored.
        decision: what was decided.

    Returns:
        The resource as it is stored now, parsed and as JSON values.

    Raises:
        ConflictError: somebody changed the resource since it was read.
        ClusterError: the API server did not take the status.
    """
    if decision.status == resource.status:
        return resource, body
    status = fit(_writable(resource, decision))
    try:
        stored = await cluster.write_status({**body, "status": status})
    except TooLargeError:
        status.pop("ledger", None)
        stored = await cluster.write_status({**body, "status": status})
    changed = SparkDeployment.model_validate({**stored, "spec": resource.spec})
    return changed, stored


def _writable(resource: SparkDeployment, decision: Decision) -> Manifest:
    """Return the status as JSON values; where a text of the report cannot be written, without it.

    What decides stays: a report that cannot be encoded must not keep a release on users.
    """
    try:
        return decision.status.to_dict()
    except (PydanticSerializationError, ValueError):
        log.exception("%s: a part of the report cannot be written", key_of(resource))
        kept = {name: getattr(resource.status, name) for name in REPORT}
        return decision.status.model_copy(update=kept).to_dict()


async def keep_revision(
    cluster: Cluster, resource: SparkDeployment, observations: Observations, decision: Decision
) -> str:
    """Write the wanted release's revision before any status that names it: what was written.

    A status that named it before is no worse for a revision that cannot be written, and may
    be about to cut traffic.

    Raises:
        ClusterError: it could not be written, and nothing names the release yet.
    """
    wanted = Release.of(resource.spec)
    if wanted.name in observations.revisions or wanted.name not in named(decision.status):
        return ""
    number = max(observations.revision_numbers.values(), default=0) + 1
    try:
        await cluster.create(revision(resource, wanted, number))
    except ClusterError as error:
        if wanted.name not in named(resource.status):
            raise
        log.warning("the revision of %s could not be written: %s", wanted.name, error)
    return f"revision {wanted.name}"


async def report_invalid(
    cluster: Cluster, body: Manifest, error: InvalidResourceError, now: float
) -> None:
    """Say in status what is wrong with a resource that cannot be read.

    Raises:
        ClusterError: the API server did not take the status, and it was no conflict.
    """
    status = invalid_status(body, str(error), now)
    if status == body.get("status"):
        return
    try:
        await cluster.write_status({**body, "status": status})
    except (ConflictError, GoneError):
        log.info("the invalid resource changed meanwhile")
