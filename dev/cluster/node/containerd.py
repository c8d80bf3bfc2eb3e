"""The clone's own containerd: its configuration, its private mounts, and its client."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from dev.cluster.machine import netns, shell

if TYPE_CHECKING:
    from pathlib import Path

    from dev.cluster.config import Layout
    from dev.cluster.machine.subnets import Subnets

NAMESPACE = "k8s.io"
CNI_PLUGINS = "/usr/lib/cni"
CNI_VERSION = "1.0.0"
PAUSE_IMAGE = "localhost/spark-pause:1"
# Paths that containerd, its shims, libcni and the kubelet have built in.
SHARED_FOLDERS = (
    "/run/containerd",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/log/containers",
    "/var/log/pods",
)
# The kubelet overwrites these for the whole machine unless it finds them as it wants them.
KERNEL_TUNABLES = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def configuration(layout: Layout, snapshotter: str) -> str:
    """Return containerd's configuration, which shares nothing with the distribution's own."""
    return f"""version = 2
root = "{layout.images}"
state = "{layout.run}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
address = "{layout.containerd_socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{layout.state}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_IMAGE}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{layout.state}/cni"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{snapshotter}"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def cni(layout: Layout, subnets: Subnets) -> str:
    """Return the pods' network: routed, so that no bridge hides replies from kube-proxy's NAT."""
    address_management = {
        "type": "host-local",
        "ranges": [[{"subnet": str(subnets.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{layout.state}/cni-addresses",
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": address_management}
    return json.dumps({"cniVersion": CNI_VERSION, "name": layout.name, "plugins": [plugin]})


def write(layout: Layout, subnets: Subnets, snapshotter: str) -> None:
    """Write all files that containerd needs."""
    (layout.state / "cni").mkdir(parents=True, exist_ok=True)
    (layout.state / "cni" / "10-spark.conflist").write_text(cni(layout, subnets))
    (layout.state / "containerd.toml").write_text(configuration(layout, snapshotter))
    tunables = layout.state / "tunables"
    for name, value in KERNEL_TUNABLES.items():
        (tunables / name).parent.mkdir(parents=True, exist_ok=True)
        (tunables / name).write_text(f"{value}\n")


def command(layout: Layout) -> list[str]:
    """Return containerd's command line: network namespace, then private mounts, then itself.

    Mounts made in there are invisible outside and end with the last process in there.
    """
    script = "\n".join([
        "set -eu",
        *(_bind_folder(layout.state / "private", folder) for folder in SHARED_FOLDERS),
        *(_bind_tunable(layout.state / "tunables", name) for name in KERNEL_TUNABLES),
        f"exec containerd --config {shlex.quote(str(layout.state / 'containerd.toml'))}",
    ])  # fmt: skip
    unshare = ["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-c", script]
    return [*netns.enter(layout), *unshare]


def enter(layout: Layout, pid: int) -> list[str]:
    """Return the prefix that runs something beside containerd, whose process id is ``pid``."""
    return ["nsenter", f"--net={layout.netns}", f"--mount=/proc/{pid}/ns/mnt", "--"]


def _bind_folder(private: Path, folder: str) -> str:
    source = shlex.quote(f"{private}{folder}")
    return f"mkdir -p {source} {folder} && mount --bind {source} {folder}"


def _bind_tunable(tunables: Path, name: str) -> str:
    target = f"/proc/sys/{name}"
    return f"[ ! -e {target} ] || mount --bind {shlex.quote(str(tunables / name))} {target}"


def ctr(layout: Layout, *arguments: str, timeout: float = 600) -> str:
    """Run containerd's client against this clone's containerd."""
    client = ["ctr", "--address", str(layout.containerd_socket), "--namespace", NAMESPACE]
    return shell.run([*client, *arguments], timeout=timeout)
