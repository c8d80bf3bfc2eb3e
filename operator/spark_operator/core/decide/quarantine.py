"""Which releases get no traffic until they are let out by name.

A release that failed is quarantined by its hash always, by its image digest only if that digest
was never stable: a bad configuration must not lock out a good image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.status.status import MAX_QUARANTINE, QuarantineEntry

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.status.status import ReleaseStatus, SparkDeploymentStatus


def stable_digests(status: SparkDeploymentStatus, failed: str) -> frozenset[str]:
    """Image digests that are or were stable, as far as status remembers.

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
    status: SparkDeploymentStatus, role: ReleaseStatus, reason: str, at: datetime
) -> tuple[QuarantineEntry, ...]:
    """The quarantine with a failed release added, newest first, bounded."""
    digest = role.digest if role.digest not in stable_digests(status, role.release) else None
    entry = QuarantineEntry(
        release=role.release, image=role.image, digest=digest, reason=reason, at=at
    )
    others = tuple(item for item in status.quarantine if item.release != role.release)
    return (entry, *others)[:MAX_QUARANTINE]


def find(
    status: SparkDeploymentStatus, release: str, digest: str | None = None
) -> QuarantineEntry | None:
    """The entry that keeps this release, or the image it runs, from traffic."""
    for entry in status.quarantine:
        if entry.release == release or (digest and entry.digest == digest):
            return entry
    return None


def remove(status: SparkDeploymentStatus, release: str) -> tuple[QuarantineEntry, ...]:
    """The quarantine without a release, and without others of the same digest."""
    digests = {item.digest for item in status.quarantine if item.release == release} - {None}
    return tuple(
        item for item in status.quarantine if item.release != release and item.digest not in digests
    )


def was_stable(status: SparkDeploymentStatus, release: str) -> bool:
    """Whether the history knows this release as promoted, and nothing worse since."""
    for entry in status.history:
        if entry.release == release and entry.outcome != RolloutOutcome.SUPERSEDED:
            return entry.outcome == RolloutOutcome.PROMOTED
    return False
