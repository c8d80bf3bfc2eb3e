"""Images in the clone's containerd: put in, told apart by what they were made of, kept for later.

Loading and deleting tens of thousands of files takes longer than all the rest of ``up`` and
``down`` together, so images outlive the cluster, in the cache, without anything that ran on them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError
from dev.cluster.machine import cgroups, processes, shell
from dev.cluster.node import containerd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dev.cluster.config import Layout

INPUTS = "spark.dev/inputs"
RELEASE_SECONDS = 20.0
POLL_SECONDS = 0.2
CLEAN_MARK = "spark-clean"


@dataclass(frozen=True)
class Image:
    """One row of containerd's list; an unnamed image's reference is its own digest."""

    reference: str
    digest: str
    labels: Mapping[str, str]

    @property
    def is_named(self) -> bool:
        """Tell whether a person would know its reference."""
        return not self.reference.startswith("sha256:")


def parse(listing: str) -> list[Image]:
    """Read what ``ctr images list`` prints."""
    rows = [line.split() for line in listing.splitlines()[1:]]
    return [Image(row[0], row[2], _labels(row[-1])) for row in rows]


def _labels(text: str) -> dict[str, str]:
    return dict(label.partition("=")[::2] for label in text.split(","))


def obsolete(images: Sequence[Image]) -> list[str]:
    """Return the references of unnamed images that no named one stands for any longer."""
    used = {image.digest for image in images if image.is_named}
    return [each.reference for each in images if not each.is_named and each.digest not in used]


def loaded(layout: Layout) -> dict[str, str]:
    """Return the images that were loaded: reference to the digest of their inputs."""
    images = parse(containerd.ctr(layout, "images", "list"))
    return {each.reference: each.labels[INPUTS] for each in images if INPUTS in each.labels}


def blobs(layout: Layout) -> frozenset[str]:
    """Return the digests of all that is in containerd's store."""
    return frozenset(containerd.ctr(layout, "content", "list", "--quiet").split())


def load(layout: Layout, archive: Path, digests: Mapping[str, str]) -> None:
    """Import an archive, label its images with their inputs' digests, drop what they replace."""
    containerd.ctr(layout, "images", "import", str(archive))
    for reference, digest in digests.items():
        containerd.ctr(layout, "images", "label", reference, f"{INPUTS}={digest}")
    replaced = obsolete(parse(containerd.ctr(layout, "images", "list")))
    if replaced:
        containerd.ctr(layout, "images", "delete", *replaced)


def release(layout: Layout) -> None:
    """Remove all containers, so that nothing but images is left for the next cluster.

    Without effect where containerd is not there to do it; the images are then not kept either.
    """
    if not (layout.containerd_socket.exists() and layout.images.exists()):
        return
    processes.kill(cgroups.processes(layout.name))
    deadline = time.monotonic() + RELEASE_SECONDS
    while time.monotonic() < deadline:
        if not _remaining(layout):
            (layout.images / CLEAN_MARK).touch()
            return
        time.sleep(POLL_SECONDS)


def _remaining(layout: Layout) -> bool:
    """Delete containers and their tasks, and tell whether there may be some left."""
    try:
        for what in ("tasks", "containers"):
            if names := _ctr(layout, what, "list", "--quiet").split():
                _ctr(layout, what, "delete", *names)
        return bool(_ctr(layout, "containers", "list", "--quiet").strip())
    except CommandError:
        # containerd itself tidies up after killed containers, and may have been faster.
        return True


def claim(layout: Layout) -> None:
    """Take the images over for a new cluster; start afresh when they can't be relied on."""
    try:
        (layout.images / CLEAN_MARK).unlink()
    except FileNotFoundError:
        remove(layout.images)


def remove(*folders: Path) -> None:
    """Delete folders: images are tens of thousands of files, for which Python takes minutes."""
    shell.run(["rm", "-rf", "--one-file-system", *map(str, folders)])


def _ctr(layout: Layout, *arguments: str) -> str:
    return containerd.ctr(layout, *arguments, timeout=RELEASE_SECONDS)
