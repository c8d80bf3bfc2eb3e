"""What the reconciler has seen, as one value: the input of ``decide`` beside spec and status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spark_operator.core.observe.snapshot import (
    epoch,
    jobs,
    revisions,
    route,
    workloads,
)
from spark_operator.core.observe.values import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.core.judge import JudgeState, Tick
    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.model.release import Release
    from spark_operator.core.observe.secret_metadata import SecretData
    from spark_operator.core.observe.snapshot import Snapshot
    from spark_operator.core.observe.values import Alert, Job, PartFailure, TrafficRoute
    from spark_operator.core.observe.vitals import Round


@dataclass(frozen=True, slots=True)
class Observations:
    """The world at one moment, as far as decisions depend on it."""

    workloads: Mapping[str, Workload] = field(default_factory=dict)
    revisions: Mapping[str, Release] = field(default_factory=dict)
    revision_numbers: Mapping[str, int] = field(default_factory=dict)
    """The number of each of these, which grows in the order they were asked for."""
    route: TrafficRoute | None = None
    jobs: Mapping[str, Job] = field(default_factory=dict)
    invalid: str = ""
    """Why the resource's spec is not in force but an older one; empty: it is."""
    dropped: tuple[str, ...] = ()
    """Records of status that this operator cannot read and goes on without."""
    failures: tuple[PartFailure, ...] = ()
    """Parts of this reconcile that raised before anything was decided."""
    foreign: tuple[str, ...] = ()
    """Objects under our children's names that belong to somebody else."""
    epoch: int = 0
    """The highest epoch that a child carries."""
    managed: tuple[Manifest, ...] = ()
    """The resource's managed fields, as the API server gives them."""
    secrets: Mapping[str, SecretData] | None = None
    """What is known of the Secrets that are referred to; None: nothing yet."""
    tick: Tick | None = None
    rate: float | None = None
    """Requests per second on stable, between the last two ticks."""
    judge: JudgeState | None = None
    """The judge's state of the reconcile before; None after a restart."""
    delivered: frozenset[tuple[str, str]] = frozenset()
    """Notices and the channels that have taken them, as pairs of ids."""
    delivery_problems: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each channel whose last attempt failed."""
    rounds: tuple[Round, ...] = ()
    """What some pods said of themselves lately, oldest first."""
    alerts: tuple[Alert, ...] = ()
    """What was pushed in since the last decision that was persisted."""

    def workload(self, release: str) -> Workload:
        """The workload of a release, an empty one where there is none."""
        return self.workloads.get(release) or Workload(release=release)


def from_snapshot(snapshot: Snapshot) -> Observations:
    """Return what a snapshot alone says."""
    kept = revisions(snapshot)
    return Observations(
        workloads=workloads(snapshot),
        revisions={name: release for name, (release, _) in kept.items()},
        revision_numbers={name: number for name, (_, number) in kept.items()},
        route=route(snapshot),
        jobs=jobs(snapshot),
        foreign=tuple(f"{kind} {name}" for kind, name in snapshot.foreign),
        epoch=epoch(snapshot),
        managed=tuple(snapshot.resource["metadata"].get("managedFields") or ()),
    )
