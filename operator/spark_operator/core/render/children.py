"""All children of a resource, in the order they are written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from spark_operator.core.model.jobs import job_name
from spark_operator.core.model.labels import LIVE_SUFFIX, child_name
from spark_operator.core.model.objects import Ref
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.weights import candidate_pods
from spark_operator.core.render.deployment import deployment, pod_template
from spark_operator.core.render.job import job
from spark_operator.core.render.live import live_config_map
from spark_operator.core.render.meta import metadata
from spark_operator.core.render.policy import (
    config_map,
    disruption_budget,
    network_policy,
    service_account,
)
from spark_operator.core.render.service import services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.model.release import Release


def replicas(resource: SparkDeployment) -> dict[str, int]:
    """Pods that each release should have, by the release's name."""
    status, wanted = resource.status, resource.spec.replicas
    counts: dict[str, int] = {}
    if status.previous:
        counts[status.previous.release] = wanted
    if status.candidate:
        counts[status.candidate.release] = _candidate_replicas(resource)
    if status.stable:
        counts[status.stable.release] = wanted
    return counts


def _candidate_replicas(resource: SparkDeployment) -> int:
    status, wanted = resource.status, resource.spec.replicas
    match Phase(status.phase):
        case Phase.PREFLIGHT | Phase.MIGRATING | Phase.ROLLING_BACK | Phase.ROLLED_BACK:
            return 0
        case Phase.PENDING | Phase.PROMOTING:
            return wanted
        case _:
            return candidate_pods(wanted, status.weight.desired)


def render(resource: SparkDeployment, revisions: Mapping[str, Release]) -> list[Manifest]:
    """The children that shall exist, Services first, because they are what cuts traffic.

    A release without a ControllerRevision is left out: see ``unknown``.
    """
    return [item for piece in pieces(resource, revisions) for item in piece.make()]


class Piece(NamedTuple):
    """Children that are rendered together, and their names should that fail."""

    refs: frozenset[Ref]
    make: Callable[[], list[Manifest]]


def pieces(resource: SparkDeployment, revisions: Mapping[str, Release]) -> list[Piece]:
    """Return what ``render`` is made of, in its order; none depends on another."""
    name = resource.metadata.name

    def piece(make: Callable[[], list[Manifest]], *refs: tuple[str, str]) -> Piece:
        return Piece(frozenset(Ref(*ref) for ref in refs), make)

    suffixes = ("", "-stable", "-candidate")
    found = [
        piece(lambda: services(resource), *(("Service", name + suffix) for suffix in suffixes)),
        piece(lambda: [live_config_map(resource)], ("ConfigMap", name + LIVE_SUFFIX)),
        piece(lambda: [service_account(resource)], ("ServiceAccount", name)),
    ]
    for release, count in replicas(resource).items():
        if release in revisions:
            child, make = child_name(name, release), partial(_workload, resource, count)
            make = partial(make, revisions[release])
            found.append(piece(make, ("ConfigMap", child), ("Deployment", child)))
    found.append(piece(lambda: [network_policy(resource)], ("NetworkPolicy", name)))
    stable = resource.status.stable
    if stable:
        budget = partial(disruption_budget, resource, stable.release)
        found.append(piece(lambda: [budget()], ("PodDisruptionBudget", name)))
    jobs = [("Job", job_name(name, it)) for it in resource.status.jobs if it.state == "Running"]
    return [*found, piece(lambda: running_jobs(resource, revisions), *jobs)]


def _workload(resource: SparkDeployment, count: int, release: Release) -> list[Manifest]:
    return [config_map(resource, release), deployment(resource, release, count)]


def running_jobs(resource: SparkDeployment, revisions: Mapping[str, Release]) -> list[Manifest]:
    """The Jobs that shall run now; traffic is cut and pods are scaled before any of them."""
    return [
        job(resource, revisions[entry.release], entry)
        for entry in resource.status.jobs
        if entry.state == "Running" and entry.release in revisions
    ]


def finished_jobs(resource: SparkDeployment) -> frozenset[Ref]:
    """Jobs that status still tells of: left as they are, so that their logs can be read."""
    name = resource.metadata.name
    return frozenset(
        Ref("Job", job_name(name, entry))
        for entry in resource.status.jobs
        if entry.state != "Running"
    )


def unknown(resource: SparkDeployment, revisions: Mapping[str, Release]) -> frozenset[Ref]:
    """Children that shall go on as they are: pods are wanted, but no revision says which.

    Somebody deleted the ControllerRevision; what runs is not stopped for that.
    """
    return frozenset(
        Ref(kind, child_name(resource.metadata.name, name))
        for name, count in replicas(resource).items()
        if count > 0 and name not in revisions
        for kind in ("ConfigMap", "Deployment")
    )


def revision(resource: SparkDeployment, release: Release, number: int) -> Manifest:
    """The ControllerRevision that keeps a release; ``number`` counts from 1."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata(
            resource, child_name(resource.metadata.name, release.name), release.name
        ),
        "data": release.data() | {"template": pod_template(resource.metadata.name, release)},
        "revision": number,
    }
