"""A kind cluster of the clone's own, where Docker's engine and kind are there.

Written after kind's documentation (https://kind.sigs.k8s.io/docs/user/configuration/); no
machine of this project's had Docker's engine, so it has not been run.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.cluster.errors import CommandError, PreconditionError
from dev.cluster.machine import shell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dev.cluster.config import Layout
    from dev.cluster.machine.progress import Progress

CREATE_SECONDS = 600
CONFIGURATION = """kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
  - |
    kind: KubeletConfiguration
    crashLoopBackOff:
      maxContainerRestartPeriod: 1s
    syncFrequency: 10s
"""


@dataclass(frozen=True)
class Kind:
    """One clone's kind cluster."""

    layout: Layout
    label: str = "kind"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig that kind writes, in the clone's build folder."""
        return self.layout.kubeconfig

    def up(self, progress: Progress) -> None:
        """Create the cluster unless it exists."""
        self._require()
        if self._exists():
            progress.say("the kind cluster exists already")
            self._kind("export", "kubeconfig", "--kubeconfig", str(self.kubeconfig))
            return
        with progress.step("creating a kind cluster"):
            self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
            self._kind(
                "create", "cluster", "--config", "-", "--wait", "120s",
                "--kubeconfig", str(self.kubeconfig), stdin=CONFIGURATION,
            )  # fmt: skip

    def down(self, progress: Progress, *, purge: bool = False) -> None:
        """Delete the cluster."""
        self._require()
        with progress.step("deleting the kind cluster"):
            self._kind("delete", "cluster", "--kubeconfig", str(self.kubeconfig))
        self.kubeconfig.unlink(missing_ok=True)

    def status(self) -> tuple[bool, list[str]]:
        """Tell whether kind knows the cluster."""
        self._require()
        found = self._exists()
        return found, [f"kind cluster {self.layout.name}: {'exists' if found else 'none'}"]

    def images(self) -> dict[str, str]:
        """Return nothing: kind itself leaves out what its nodes have."""
        return {}

    def blobs(self) -> frozenset[str]:
        """Return nothing: archives for kind are whole."""
        return frozenset()

    def load(self, archive: Path, digests: Mapping[str, str]) -> None:
        """Import an archive into the nodes."""
        self._kind("load", "image-archive", str(archive))

    def _exists(self) -> bool:
        return self.layout.name in shell.run(["kind", "get", "clusters"]).split()

    def _kind(self, *arguments: str, stdin: str | None = None) -> None:
        command = ["kind", *arguments, "--name", self.layout.name]
        shell.run(command, stdin=stdin, timeout=CREATE_SECONDS)

    def _require(self) -> None:
        if shutil.which("kind") is None or not docker_answers():
            raise PreconditionError(
                "SPARK_CLUSTER=kind needs kind on PATH and a running Docker engine: start them,"
                " or leave SPARK_CLUSTER out for the local cluster."
            )


def docker_answers() -> bool:
    """Tell whether Docker's engine is there; its command alone is of no use."""
    if shutil.which("docker") is None:
        return False
    try:
        shell.run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10)
    except CommandError:
        return False
    return True
