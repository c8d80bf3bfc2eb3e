"""Children made what status says: which writes that takes, and carrying them out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from spark_operator.core.apply.diff import Delete, Strip, Write, diff, surplus_revisions
from spark_operator.core.model.labels import child_name
from spark_operator.core.model.objects import Ref, is_owned_by, ref
from spark_operator.core.model.release import Release
from spark_operator.core.model.roles import has_begun
from spark_operator.core.render import finished_jobs, pieces, unknown
from spark_operator.ports.cluster import Cluster, ClusterError

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.snapshot import Snapshot

log = logging.getLogger(__name__)


def plan_writes(
    resource: SparkDeployment, snapshot: Snapshot, observations: Observations
) -> tuple[list[Write], tuple[str, ...]]:
    """Return what makes the children what status says, traffic first.

    A child that cannot be rendered is left as it is, and holds up no other.

    Returns:
        The writes, and the children that could not be rendered.

    Raises:
        StaleDecisionError: a child stems from a newer decision.
    """
    if snapshot.foreign and not has_begun(resource.status):
        return [], ()
    wanted = Release.of(resource.spec)
    releases = dict(observations.revisions)
    releases.setdefault(wanted.name, wanted)
    rendered, broken = _rendered(resource, releases)
    spared = unknown(resource, releases) | finished_jobs(resource) | frozenset(snapshot.foreign)
    writes = [
        *diff(
            rendered,
            snapshot.children,
            resource.metadata.uid,
            resource.status.epoch,
            spared | broken,
        ),
        *_surplus(resource, snapshot, observations),
    ]
    return writes, tuple(sorted(f"{kind} {name}" for kind, name in broken))


def _rendered(
    resource: SparkDeployment, releases: dict[str, Release]
) -> tuple[list[Manifest], frozenset[Ref]]:
    """Return the children that could be rendered, and the names of those that could not."""
    made: list[Manifest] = []
    broken: set[Ref] = set()
    for piece in pieces(resource, releases):
        try:
            made += piece.make()
        except Exception:
            log.exception("these children cannot be rendered and stay as they are: %s", piece.refs)
            broken |= piece.refs
    return made, frozenset(broken)


async def carry_out(
    cluster: Cluster, resource: SparkDeployment, writes: list[Write]
) -> ClusterError | None:
    """Carry out every write, so that one that is refused holds up no other: the first failure."""
    failure: ClusterError | None = None
    for write in writes:
        try:
            if isinstance(write, Delete):
                await cluster.delete(resource.metadata.namespace, write)
            elif isinstance(write, Strip):
                await cluster.strip(write.manifest)
            else:
                await cluster.apply(write.manifest)
        except ClusterError as error:
            failure = failure or error
    return failure


def named(status: SparkDeploymentStatus) -> frozenset[str]:
    """Return the releases that a status names, so that their revisions must stay."""
    roles = (status.stable, status.candidate, status.previous, status.override, *status.jobs)
    return frozenset(role.release for role in roles if role)


def _surplus(
    resource: SparkDeployment, snapshot: Snapshot, observations: Observations
) -> list[Delete]:
    """Return the deletions of revisions beyond the limit that the user set."""
    used = named(resource.status) | {Release.of(resource.spec).name}
    limit = resource.spec.revision_history_limit
    gone = surplus_revisions(observations.revision_numbers, used, limit)
    names = {child_name(resource.metadata.name, release) for release in gone}
    return [
        Delete(Ref("ControllerRevision", item["metadata"]["name"]), item["metadata"]["uid"])
        for item in snapshot.children
        if ref(item).kind == "ControllerRevision"
        and item["metadata"]["name"] in names
        and is_owned_by(item, resource.metadata.uid)
    ]
