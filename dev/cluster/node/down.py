"""Taking a clone's cluster away, whatever state it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.cluster.artifacts import images
from dev.cluster.errors import PreconditionError
from dev.cluster.machine import cgroups, netns, processes
from dev.cluster.node.state import StateFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.cluster.config import Layout
    from dev.cluster.node.state import ProcessRecord

GRACE_SECONDS = 3.0
SWEEPS = 5


def state_file(layout: Layout) -> StateFile:
    """Return the clone's state file."""
    return StateFile(layout.state / "state.json", layout.clone)


def is_anything_there(layout: Layout) -> bool:
    """Tell whether something of this clone's cluster is left on the machine."""
    state = state_file(layout).read()
    return (
        any(processes.is_alive(record) for record in state.processes)
        or netns.exists(layout)
        or cgroups.exists(layout.name)
        or layout.run.exists()
        or layout.state.exists()
    )


def tear_down(layout: Layout, *, purge: bool = False) -> None:
    """End every process of the cluster, then remove network, cgroup, sockets and data.

    What an interrupted ``up`` had no time to record is found by the clone's network namespace
    and cgroup.  The private mounts end with the last process.  ``purge`` removes images too.
    """
    records = state_file(layout).read().processes
    # The kubelet would otherwise restart what is being killed.
    processes.stop(_named(records, "kubelet"), grace=0.5)
    if not purge:
        images.release(layout)
    processes.stop(records, grace=GRACE_SECONDS)
    _sweep(layout)
    netns.remove(layout)
    cgroups.remove(layout.name)
    folders = [layout.run, layout.state]
    if purge or not (layout.images / images.CLEAN_MARK).exists():
        folders.append(layout.images)
    images.remove(*folders)
    layout.kubeconfig.unlink(missing_ok=True)


def _named(records: Sequence[ProcessRecord], name: str) -> list[ProcessRecord]:
    return [record for record in records if record.name == name]


def _sweep(layout: Layout) -> None:
    # A dying shim may start a last process of its own, so look again until nothing is left.
    for _ in range(SWEEPS):
        found = _left(layout)
        if not found:
            return
        processes.kill(found)
    raise PreconditionError(f"Processes {sorted(_left(layout))} don't end: reboot the machine.")


def _left(layout: Layout) -> set[int]:
    return {*processes.in_network_namespace(layout.netns), *cgroups.processes(layout.name)}
