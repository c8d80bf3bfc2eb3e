"""The cluster that is built and run on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.artifacts import images
from dev.cluster.config import Layout
from dev.cluster.errors import NoClusterError
from dev.cluster.machine import processes
from dev.cluster.machine.subnets import Subnets
from dev.cluster.node.down import is_anything_there, state_file, tear_down
from dev.cluster.node.state import StateFile, locked
from dev.cluster.node.up import bring_up, is_running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from dev.cluster.machine.progress import Progress

SUBNET = "SPARK_CLUSTER_SUBNET"


@dataclass(frozen=True)
class Local:
    """One clone's cluster."""

    layout: Layout
    label: str = "local"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, in the clone's build folder."""
        return self.layout.kubeconfig

    @property
    def host(self) -> str:
        """Address of this machine at which pods reach it.

        Raises:
            NoClusterError: there is no cluster.
        """
        subnet = state_file(self.layout).read().subnet
        if subnet is None:
            raise NoClusterError("There is no cluster: run make cluster-up.")
        return str(Subnets(subnet).host.ip)

    def up(self, progress: Progress) -> None:
        """Bring it up; says so and returns when it runs already."""
        with self._locked("bringing this clone's cluster up or down"):
            if is_running(self.layout):
                progress.say("the cluster is running already")
                return
            bring_up(self.layout, progress, os.environ.get(SUBNET))
        progress.say(f"the cluster is up: {self.kubeconfig}")

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """Take it away with all it left on the machine; its images too when ``purge``."""
        with self._locked("bringing this clone's cluster up or down"):
            if not is_anything_there(self.layout) and not (purge and self.layout.images.exists()):
                progress.say("there is no cluster")
                return
            with progress.step("taking the cluster down"):
                tear_down(self.layout, purge=purge)

    def status(self) -> tuple[bool, list[str]]:
        """Tell whether all of it runs, and list its processes."""
        state = state_file(self.layout).read()
        lines = [
            f"{record.name:<24} {record.pid:>8} {'runs' if alive else 'has ended'}"
            for record in state.processes
            for alive in [processes.is_alive(record)]
        ]
        if not state.processes:
            return False, ["there is no cluster: make cluster-up"]
        return is_running(self.layout), [
            f"node {self.layout.name}, addresses {state.subnet}",
            *lines,
        ]

    def images(self) -> dict[str, str]:
        """Return the images that were loaded: reference to the digest of their inputs."""
        if not is_running(self.layout):
            raise NoClusterError("There is no cluster: run make cluster-up.")
        return images.loaded(self.layout)

    def blobs(self) -> frozenset[str]:
        """Return the digests of what this clone's containerd has."""
        return images.blobs(self.layout)

    def load(self, archive: Path, digests: Mapping[str, str]) -> None:
        """Import an archive into this clone's containerd."""
        images.load(self.layout, archive, digests)

    def _locked(self, doing: str) -> AbstractContextManager[None]:
        return locked(self.layout.state.parent / f"{self.layout.key}.lock", doing)


def orphans() -> list[Layout]:
    """Return the layouts of clusters whose clone's folder no longer exists."""
    states = sorted(Layout.of().state.parent.glob("*/state.json"))
    clones = [Path(StateFile(path, path).read().clone) for path in states]
    return [Layout.of(clone) for clone in clones if not clone.exists()]
