"""The clone's own cgroup, in which the kubelet puts its pods; version 1 and version 2."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids", "hugetlb")
REMOVE_SECONDS = 5.0
CPU_WEIGHT = {"cpu.weight": "1000", "cpu.shares": "10240"}
"""Ten times the default, in version 2 and 1: one group holds all pods, and at the default weight
they share one busy process's part of the machine, so that probes fail where others work."""


def is_unified(root: Path = ROOT) -> bool:
    """Tell whether the machine uses cgroup version 2 alone."""
    return (root / "cgroup.controllers").exists()


def _hierarchies(root: Path) -> list[Path]:
    if is_unified(root):
        return [root]
    return [path for path in sorted(root.iterdir()) if path.is_dir() and not path.is_symlink()]


def create(name: str, root: Path = ROOT) -> None:
    """Make the cgroup in every hierarchy, ready for children of its own."""
    for hierarchy in _hierarchies(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if is_unified(root):
            _delegate(hierarchy)
            _delegate(group)
        else:
            _inherit_cpuset(hierarchy, group)
        _weigh(group)


def _weigh(group: Path) -> None:
    for field, weight in CPU_WEIGHT.items():
        if (group / field).exists():
            (group / field).write_text(weight)


def _delegate(group: Path) -> None:
    available = (group / "cgroup.controllers").read_text().split()
    for controller in CONTROLLERS:
        if controller in available:
            (group / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(parent: Path, group: Path) -> None:
    # A version 1 cpuset begins empty, and no process can join it until it has CPUs and memory.
    for field in ("cpuset.cpus", "cpuset.mems"):
        if (group / field).exists() and not (group / field).read_text().strip():
            (group / field).write_text((parent / field).read_text())


def processes(name: str, root: Path = ROOT) -> set[int]:
    """Return every process in the cgroup or below it."""
    found: set[int] = set()
    for group in _groups(name, root):
        try:
            found.update(int(pid) for pid in (group / "cgroup.procs").read_text().split())
        except OSError:
            continue
    return found - {0}


def remove(name: str, root: Path = ROOT) -> None:
    """Remove the cgroup with all below it; its processes must be gone already."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while (left := [group for group in _groups(name, root) if not _removed(group)]) != []:
        # The kernel lets go of a killed process's group a moment after the process is gone.
        if time.monotonic() > deadline:
            raise OSError(f"{left[0]} is still in use")
        time.sleep(0.05)


def exists(name: str, root: Path = ROOT) -> bool:
    """Tell whether the cgroup is there in any hierarchy."""
    return next(_groups(name, root), None) is not None


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _groups(name: str, root: Path) -> Iterator[Path]:
    """Yield the cgroup and those below it, the deepest first."""
    for hierarchy in _hierarchies(root):
        top = hierarchy / name
        if top.is_dir():
            below = [path for path in top.rglob("*") if path.is_dir()]
            yield from sorted(below, key=lambda path: len(path.parts), reverse=True)
            yield top
