"""Which releases get no traffic until they are let out by name.

A release that failed is quarantined by its hash always, by its image digest only if that digest
was never stable: a bad configuration must not lock out a good image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import MAX_QUARANTINE, QuarantineEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from spark_operator.api.status.status import ReleaseStatus, SparkDeploymentStatus


def stable_digests(status: SparkDeploymentStatus, failed: str) -> frozenset[str]:
    """Return the image digests that are or were stable, as far as status remembers.

    That the ``failed`` release itself was promoted before it failed under guard proves nothing.
    """
    used = [(role.release, role.digest) for role in (status.stable, status.previous) if role]
    used += [
        (item.release, item.digest)
        for item in status.history
        if item.outcome == RolloutOutcome.PROMOTED
    ]
    return frozenset(digest for release, digest in used if digest and release != failed)


def add(
    status: SparkDeploymentStatus,
    role: ReleaseStatus,
    reason: str,
    at: datetime,
    serving: Iterable[str] = (),
) -> tuple[QuarantineEntry, ...]:
    """Return the quarantine with a failed release added, newest first, bounded.

    ``serving``: digests that pods of the stable release run now.
    """
    good = stable_digests(status, role.release).union(serving)
    digest = role.digest if role.digest not in good else None
    entry = QuarantineEntry(
        release=role.release, image=role.image, digest=digest, reason=reason, at=at
    )
    others = tuple(item for item in status.quarantine if item.release != role.release)
    return (entry, *others)[:MAX_QUARANTINE]


def find(
    status: SparkDeploymentStatus, release: str, digests: Collection[str] = ()
) -> QuarantineEntry | None:
    """Return the entry that keeps this release, or an image of its pods, from traffic."""
    for entry in status.quarantine:
        if entry.release == release or entry.digest in digests:
            return entry
    return None


def remove(status: SparkDeploymentStatus, release: str) -> tuple[QuarantineEntry, ...]:
    """Return the quarantine without a release, and without others of the same digest."""
    digests = {item.digest for item in status.quarantine if item.release == release} - {None}
    return tuple(
        item for item in status.quarantine if item.release != release and item.digest not in digests
    )


def was_stable(status: SparkDeploymentStatus, release: str) -> bool:
    """Return whether the history knows this release as promoted, and nothing worse since."""
    for entry in status.history:
        if entry.release == release and entry.outcome != RolloutOutcome.SUPERSEDED:
            return entry.outcome == RolloutOutcome.PROMOTED
    return False
