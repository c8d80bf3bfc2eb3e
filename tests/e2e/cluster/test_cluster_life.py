"""The local cluster comes, and goes without a trace, whenever it is interrupted."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from dev.cluster.config import CLONE, Layout
from dev.cluster.machine import cgroups, netns, processes
from dev.cluster.node.containerd import PAUSE_IMAGE
from dev.cluster.node.down import state_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = pytest.mark.alone

COMMAND_SECONDS = 180
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "idle"},
    "spec": {"containers": [{"name": "idle", "image": PAUSE_IMAGE}]},
}


class Clone:
    """Another clone of the project, which has a cluster of its own."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout.of(folder)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CLONE / "dev", folder / "dev", ignore=ignored)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start the cluster's command line in this clone."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dev.cluster", *arguments,
            cwd=self.layout.clone, env=ours, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def run(self, *arguments: str, stdin: str = "") -> tuple[int | None, str]:
        """Run a command to its end; return its status and all it said."""
        process = await self.start(*arguments)
        async with asyncio.timeout(COMMAND_SECONDS):
            said, _ = await process.communicate(stdin.encode())
        return process.returncode, said.decode()

    async def succeed(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must not fail; return all it said."""
        status, said = await self.run(*arguments, stdin=stdin)
        assert status == 0, said
        return said

    def left_over(self) -> list[str]:
        """Name everything of this clone's cluster that is still on the machine."""
        layout = self.layout
        mounts = Path("/proc/self/mountinfo").read_text()
        found = {
            "network": netns.exists(layout),
            "cgroup": cgroups.exists(layout.name),
            "mount": layout.key in mounts,
            "sockets": layout.run.exists(),
            "data": layout.state.exists(),
            "kubeconfig": layout.kubeconfig.exists(),
        }
        commands = [pid for pid in Path("/proc").glob("[0-9]*") if layout.key in _command(pid)]
        return [name for name, there in found.items() if there] + [str(pid) for pid in commands]

    def has_started(self, name: str) -> bool:
        """Tell whether this component was started."""
        return any(record.name == name for record in state_file(self.layout).read().processes)


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something on the machine that tells nobody."""
    async with asyncio.timeout(COMMAND_SECONDS):
        while not is_so():  # noqa: ASYNC110 - neither the kernel nor the other process tells
            await asyncio.sleep(0.02)


@pytest_asyncio.fixture(loop_scope="session")
async def clone(tmp_path: Path) -> AsyncIterator[Clone]:
    made = Clone(tmp_path / "clone")
    yield made
    await made.run("down", "--purge")


async def test_it_comes_with_a_pod_and_goes_without_a_trace(clone: Clone) -> None:
    await clone.succeed("up")
    assert "running already" in await clone.succeed("up")
    await _run_a_pod(clone)
    await clone.succeed("down")
    assert clone.left_over() == []
    assert (await clone.run("status"))[0] == 1
    assert "there is no cluster" in await clone.succeed("down")

    # Images wait for the next cluster, and nothing that ran on them does.
    assert clone.layout.images.exists()
    await clone.succeed("up")
    assert await clone.succeed("exec", "kubectl", "get", "pods", "--output=name") == ""
    await _run_a_pod(clone)
    await clone.succeed("down", "--purge")
    assert clone.left_over() == []
    assert not clone.layout.images.exists()


async def _run_a_pod(clone: Clone) -> None:
    await clone.succeed("exec", "kubectl", "apply", "-f", "-", stdin=json.dumps(POD))
    ready = ("--for=condition=Ready", "pod/idle", "--timeout=60s")
    await clone.succeed("exec", "kubectl", "wait", *ready)


@pytest.mark.parametrize("moment", ["network", "containerd", "kubelet"])
async def test_an_interrupted_start_is_cleaned_up(clone: Clone, moment: str) -> None:
    process = await clone.start("up")
    if moment == "network":
        await until(clone.layout.netns.exists)
    else:
        await until(lambda: clone.has_started(moment))
    process.kill()
    await process.wait()
    assert clone.left_over() != []
    await clone.succeed("down")
    assert clone.left_over() == []


async def test_a_component_that_dies_is_told_and_the_next_start_repairs(clone: Clone) -> None:
    await clone.succeed("up")
    records = state_file(clone.layout).read().processes
    processes.kill(record.pid for record in records if record.name == "coredns")
    status, said = await clone.run("status")
    assert status == 1
    assert "coredns" in next(line for line in said.splitlines() if "has ended" in line)
    await clone.succeed("up")
    await clone.succeed("status")


async def test_one_that_can_not_start_is_told_with_its_own_words(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "containerd"
    broken.write_text("#!/bin/sh\necho there is something wrong >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    status, said = await clone.run("up")
    assert status == 1
    assert "containerd ended" in said
    assert "there is something wrong" in said
    assert clone.left_over() == []
