"""Names, places and versions of one clone's cluster."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

APP = "spark-operator"
CLONE = Path(__file__).resolve().parents[2]
KUBERNETES = "1.35.4"
DNS_DOMAIN = "cluster.local"
KEY_LENGTH = 8


def clone_key(clone: Path) -> str:
    """Return the key of a clone: 8 hexadecimal digits that depend on its absolute path only."""
    return hashlib.sha256(os.fsencode(clone)).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True)
class Layout:
    """Where one clone's cluster keeps its things, and what they are called.

    ``state`` is on a disk and ends with the cluster; ``run`` holds sockets, whose paths Linux
    limits to 107 bytes; ``cache`` is shared by all clones and survives ``down``.
    """

    clone: Path
    key: str
    state: Path
    run: Path
    cache: Path

    @classmethod
    def of(cls, clone: Path = CLONE) -> Layout:
        """Return the layout of a clone; honours XDG_CACHE_HOME and XDG_STATE_HOME."""
        key = clone_key(clone)
        return cls(
            clone=clone,
            key=key,
            state=user_state_path(APP) / "clusters" / key,
            run=Path("/run") / APP / key,
            cache=user_cache_path(APP),
        )

    @property
    def name(self) -> str:
        """Name of the node, the network namespace, the cgroup and the CNI network."""
        return f"spark-{self.key}"

    @property
    def host_interface(self) -> str:
        """The host's end of the veth pair; Linux allows 15 characters."""
        return f"spark{self.key}"

    @property
    def netns(self) -> Path:
        """The network namespace as a file."""
        return Path("/run/netns") / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, inside the clone."""
        return self.clone / "build" / "cluster" / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Certificates, keys and the components' kubeconfigs."""
        return self.state / "pki"

    @property
    def images(self) -> Path:
        """The root of the clone's containerd, which outlives the cluster for its images' sake."""
        return self.cache / "containerd" / self.key

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.clone / "build" / "cluster" / "logs"

    @property
    def containerd_socket(self) -> Path:
        """Where this clone's containerd listens."""
        return self.run / "containerd.sock"
