"""Only the very processes that were started are ended, and all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from dev.cluster.choices.local import orphans
from dev.cluster.config import Layout
from dev.cluster.errors import BusyError
from dev.cluster.machine import processes
from dev.cluster.node.down import state_file
from dev.cluster.node.state import ProcessRecord, StateFile, locked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[ProcessRecord]:
    record = processes.start("sleeper", ["sleep", "60"], tmp_path / "log")
    yield record
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(record.pid, signal.SIGKILL)
        os.waitpid(record.pid, 0)


def ended_by(record: ProcessRecord) -> int:
    """Return the number of the signal that ended the process, once it has."""
    return os.WTERMSIG(os.waitpid(record.pid, 0)[1])


def test_a_recorded_process_is_ended(started: ProcessRecord) -> None:
    assert processes.is_alive(started)
    processes.stop([started], grace=10)
    assert not processes.is_alive(started)
    assert ended_by(started) == signal.SIGTERM


def test_a_recycled_pid_is_left_alone(started: ProcessRecord) -> None:
    earlier = started.model_copy(update={"started": started.started - 1})
    other_boot = started.model_copy(update={"boot": "another"})
    processes.stop([earlier, other_boot], grace=10)
    assert processes.is_alive(started)
    assert not processes.is_alive(earlier)


def test_a_process_that_ended_by_itself_is_no_trouble(started: ProcessRecord) -> None:
    os.kill(started.pid, signal.SIGKILL)
    assert ended_by(started) == signal.SIGKILL
    assert not processes.is_alive(started)
    processes.stop([started], grace=10)


def test_its_output_goes_to_its_log(tmp_path: Path) -> None:
    for _ in range(2):
        record = processes.start("talker", ["sh", "-c", "echo out; echo err >&2"], tmp_path / "log")
        os.waitpid(record.pid, 0)
    assert (tmp_path / "log").read_text() == "out\nerr\n" * 2


def test_one_that_ignores_the_request_is_killed() -> None:
    command = [sys.executable, "-c", f"{STUBBORN}; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None
        process.stdout.readline()
        record = ProcessRecord(
            name="stubborn",
            pid=process.pid,
            started=processes.start_time(process.pid) or 0,
            boot=processes.boot_id(),
        )
        processes.stop([record], grace=0.2)
        assert process.wait(5) == -signal.SIGKILL


def test_no_namespace_has_no_processes(tmp_path: Path) -> None:
    assert processes.in_network_namespace(tmp_path / "none") == []


def test_the_state_survives_and_a_damaged_one_is_empty(
    tmp_path: Path, started: ProcessRecord
) -> None:
    file = StateFile(tmp_path / "state.json", tmp_path)
    assert file.read().processes == ()
    file.add(started)
    file.update(ready=True)
    again = StateFile(tmp_path / "state.json", tmp_path).read()
    assert again.processes == (started,)
    assert again.ready
    file.path.write_text('{"clone": ')
    assert file.read().processes == ()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock", "bringing it up"),
        pytest.raises(BusyError, match=r"bringing it up: wait"),
        locked(tmp_path / "lock", "bringing it up"),
    ):
        pass
    with locked(tmp_path / "lock", "bringing it up"):
        pass


def test_clusters_of_clones_that_are_gone_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    there, gone = Layout.of(tmp_path), Layout.of(tmp_path / "gone")
    for layout in (there, gone):
        state_file(layout).update(ready=True)
    assert orphans() == [gone]
