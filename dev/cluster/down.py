"""Taking a clone's cluster away, whatever state it is in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from dev.cluster import cgroups, netns, processes
from dev.cluster.errors import PreconditionError
from dev.cluster.state import StateFile

if TYPE_CHECKING:
    from dev.cluster.config import Layout

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
    )


def tear_down(layout: Layout) -> None:
    """End every process of the cluster, then remove network, cgroup, sockets and data.

    What an interrupted ``up`` had no time to record is found by the clone's network namespace
    and cgroup.  The private mounts end with the last process.
    """
    records = state_file(layout).read().processes
    # The kubelet would otherwise restart what is being killed.
    first = [record for record in records if record.name == "kubelet"]
    processes.stop(first, grace=0.5)
    processes.stop(records, grace=GRACE_SECONDS)
    _sweep(layout)
    netns.remove(layout)
    cgroups.remove(layout.name)
    shutil.rmtree(layout.run, ignore_errors=True)
    _remove_data(layout)
    layout.kubeconfig.unlink(missing_ok=True)


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


def _remove_data(layout: Layout) -> None:
    shutil.rmtree(layout.state, ignore_errors=True)
