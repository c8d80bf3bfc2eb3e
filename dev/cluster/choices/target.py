"""Which cluster is meant: the one that the user names, kind's, or the local one.

Never the current context of a kubeconfig that happens to be lying about.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dev.cluster.choices.kind import Kind
from dev.cluster.choices.local import Local
from dev.cluster.choices.named import Named
from dev.cluster.config import Layout
from dev.cluster.errors import PreconditionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.cluster.machine.progress import Progress

KUBECONFIG = "SPARK_KUBECONFIG"
CLUSTER = "SPARK_CLUSTER"


class Target(Protocol):
    """A cluster that can be brought up, taken down and asked about."""

    @property
    def label(self) -> str:
        """What kind of cluster it is: ``named``, ``kind`` or ``local``."""

    @property
    def kubeconfig(self) -> Path:
        """Where its kubeconfig is, or will be."""

    def up(self, progress: Progress) -> None:
        """Bring it up; returns at once when it is."""

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """Take it away, with ``purge`` what would speed the next ``up`` too."""

    def status(self) -> tuple[bool, list[str]]:
        """Tell whether it is usable, and lines for a person."""

    def images(self) -> dict[str, str]:
        """Return the images it has: reference to the digest of what they were made from."""

    def blobs(self) -> frozenset[str]:
        """Return the digests of the image blobs it has, which an archive may leave out."""

    def load(self, archive: Path, digests: Mapping[str, str]) -> None:
        """Put an archive's images into it; ``digests`` are references and their inputs' digests."""


def resolve(environment: Mapping[str, str] = os.environ, named: Path | None = None) -> Target:
    """Return the cluster that is meant.

    Raises:
        PreconditionError: SPARK_CLUSTER has a value that means nothing.
    """
    explicit = named or (Path(value) if (value := environment.get(KUBECONFIG)) else None)
    if explicit is not None:
        return Named(explicit.expanduser())
    match environment.get(CLUSTER, "local"):
        case "local":
            return Local(Layout.of())
        case "kind":
            return Kind(Layout.of())
        case other:
            raise PreconditionError(
                f"{CLUSTER} is {other!r}: set it to kind or local, or leave it out."
            )
