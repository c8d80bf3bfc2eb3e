"""What the machine must offer before anything is started."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.errors import PreconditionError
from dev.cluster.machine import filesystem

if TYPE_CHECKING:
    from dev.cluster.config import Layout

BUILD_BYTES = 6 * 2**30
RUN_BYTES = 2 * 2**30
GIBIBYTE = 2**30


def check_root(effective_user: int) -> None:
    """Refuse anybody but root: namespaces, mounts and cgroups are root's."""
    if effective_user != 0:
        raise PreconditionError(
            "The local cluster needs root for its namespaces and containers: run this as root"
            " (sudo make cluster-up), or name a cluster of your own in SPARK_KUBECONFIG."
        )


def check_system(system: str, machine: str) -> None:
    """Refuse anything but Linux, on which alone containers run."""
    if system != "Linux":
        raise PreconditionError(
            f"The local cluster runs on Linux, this is {system} on {machine}: name a cluster of"
            " your own in SPARK_KUBECONFIG."
        )


def check_disk(folder: Path, free: int, needed: int) -> None:
    """Refuse to begin what would fill the disk; sizes are in bytes."""
    if free < needed:
        raise PreconditionError(
            f"{folder} has {free / GIBIBYTE:.1f} GiB free and the cluster needs"
            f" {needed / GIBIBYTE:.0f} GiB: free some, or set XDG_CACHE_HOME and XDG_STATE_HOME to"
            " folders on a larger disk."
        )


def check_cgroups(root: Path) -> None:
    """Refuse a machine whose control groups are not mounted or read-only."""
    if not root.is_dir() or not os.access(root, os.W_OK):
        raise PreconditionError(
            f"{root} is not writable, so no container can be started: run this on a machine, or"
            " in a container that is privileged."
        )


def check(layout: Layout, *, built: bool) -> None:
    """Check all of it; ``built`` tells whether the binaries are in the cache already.

    Raises:
        PreconditionError: one sentence that says what is missing and what to do.
    """
    check_system(platform.system(), platform.machine())
    check_root(os.geteuid())
    check_cgroups(Path("/sys/fs/cgroup"))
    for folder, needed in ((layout.cache, 0 if built else BUILD_BYTES), (layout.state, RUN_BYTES)):
        found = filesystem.existing(folder)
        check_disk(found, shutil.disk_usage(found).free, needed)
