"""The test apiserver leaves nothing behind, even when its test run is killed."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from dev.cluster.config import CLONE

END_SECONDS = 10
SCRIPT = """
import os, pathlib, sys
from dev.cluster.node.apiserver import apiserver
with apiserver() as running:
    print(pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    sys.stdin.readline()
"""


@pytest.mark.integration
@pytest.mark.parametrize("killed", [False, True])
def test_it_ends_with_the_test_run(killed: bool) -> None:
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(  # noqa: S603
        command, cwd=CLONE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        children = [int(pid) for pid in run.stdout.readline().split()]
        assert len(children) == 2
        handles = [os.pidfd_open(pid) for pid in children]
        if killed:
            run.kill()
        else:
            run.communicate("\n", timeout=20)
        for handle in handles:
            assert _has_ended(handle)
            os.close(handle)


def _has_ended(handle: int) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(END_SECONDS * 1000))
