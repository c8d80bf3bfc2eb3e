"""Processes that outlive the command that started them, and their end.

A process is known by its pid and its start time, so that one which the kernel gave the same pid
later is never touched.
"""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.node.state import ProcessRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROC = Path("/proc")
START_TIME_FIELD = 19  # starttime, counted from behind the command's closing bracket: proc(5)
KILL_WAIT_SECONDS = 10.0


def boot_id() -> str:
    """Return what tells this boot of the machine from any other."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Return a process's start in clock ticks since boot; None when there is no such process."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[START_TIME_FIELD])


def start(name: str, argv: Sequence[str], log: Path) -> ProcessRecord:
    """Start a process in a session of its own that nobody waits for, its output added to ``log``.

    Raises:
        FileNotFoundError: there is no such command.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawnp(argv[0], list(argv), os.environ, file_actions=files, setsid=True)
    return ProcessRecord(name=name, pid=pid, started=start_time(pid) or 0, boot=boot_id())


def is_alive(record: ProcessRecord) -> bool:
    """Tell whether the very process that was recorded still runs."""
    if record.boot != boot_id() or start_time(record.pid) != record.started:
        return False
    return not _is_zombie(record.pid)


def _is_zombie(pid: int) -> bool:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def stop(records: Iterable[ProcessRecord], *, grace: float) -> None:
    """End processes all at once and wait for them: SIGTERM, after ``grace`` seconds SIGKILL."""
    handles = [handle for record in records if (handle := _handle(record)) is not None]
    try:
        left = _signal(handles, signal.SIGTERM, grace)
        _signal(left, signal.SIGKILL, KILL_WAIT_SECONDS)
    finally:
        for handle in handles:
            os.close(handle)


def kill(pids: Iterable[int]) -> None:
    """Kill processes and wait for them to be gone."""
    handles = [handle for pid in pids if (handle := _open(pid)) is not None]
    try:
        _signal(handles, signal.SIGKILL, KILL_WAIT_SECONDS)
    finally:
        for handle in handles:
            os.close(handle)


def in_network_namespace(netns: Path) -> list[int]:
    """Return every process inside a network namespace; none when it does not exist."""
    try:
        wanted = netns.stat()
    except FileNotFoundError:
        return []
    return [pid for pid in _pids() if _namespace(pid) == (wanted.st_dev, wanted.st_ino)]


def _namespace(pid: int) -> tuple[int, int] | None:
    try:
        found = (PROC / str(pid) / "ns/net").stat()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return found.st_dev, found.st_ino


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def _open(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, OSError):
        return None


def _handle(record: ProcessRecord) -> int | None:
    # The start time is compared after the handle is open: from then on the pid can't change hands.
    handle = _open(record.pid)
    if handle is not None and not is_alive(record):
        os.close(handle)
        return None
    return handle


def _signal(handles: Sequence[int], number: signal.Signals, seconds: float) -> list[int]:
    """Send a signal to all and return those that still run after ``seconds``."""
    for handle in handles:
        try:
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            continue
    left = set(handles)
    deadline = time.monotonic() + seconds
    poll = select.poll()
    for handle in handles:
        poll.register(handle, select.POLLIN)
    while left and (wait := deadline - time.monotonic()) > 0:
        for handle, _ in poll.poll(wait * 1000):
            poll.unregister(handle)
            left.discard(handle)
    return list(left)
