"""The leader of a module's own operators, and what can be done to it: killed, stopped, cut off.

What needs its process works where the cluster's processes are this machine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.support.stage import Stage

API_SERVER = ("OUTPUT", "-p", "tcp", "-m", "multiport", "--dports", "443,6443", "-j", "DROP")
"""An operator's way to the API server; what it scrapes has other ports."""


class ElsewhereError(Exception):
    """The operator's process is not on this machine."""


async def leader(stage: Stage) -> str:
    """The pod that holds the lease."""
    lease = await stage.get("lease/spark-operator")
    return str(lease["spec"]["holderIdentity"])


async def kill_leader(stage: Stage) -> None:
    """SIGKILL the leading operator; in a cluster whose processes we cannot see, its pod goes."""
    await kill(stage, await leader(stage))


async def kill(stage: Stage, pod: str) -> None:
    """SIGKILL a pod's operator; in a cluster whose processes we cannot see, the pod goes."""
    process = await asyncio.to_thread(_process_of, pod)
    if process is not None:
        os.kill(process, signal.SIGKILL)
        return
    await stage.kubectl.run(
        "delete", "pod", pod, f"--namespace={stage.namespace}", "--grace-period=0", "--force"
    )


async def ready(stage: Stage, pod: str) -> None:
    """Wait until a pod of the operator is ready."""
    await stage.kubectl.run(
        "wait", "--for=condition=Ready", f"pod/{pod}", f"--namespace={stage.namespace}",
        "--timeout=60s", seconds=70,
    )  # fmt: skip


async def succeeded(stage: Stage, former: str) -> str:
    """Wait until another pod than ``former`` holds the lease; return it."""
    path = (
        f"/apis/coordination.k8s.io/v1/namespaces/{stage.namespace}/leases"
        "?watch=true&timeoutSeconds=60&fieldSelector=metadata.name%3Dspark-operator"
    )
    async for event in stage.kubectl.watch(path):
        holder = str(event["object"].get("spec", {}).get("holderIdentity") or former)
        if holder != former:
            return holder
    raise AssertionError(f"nobody took the lease over from {former} within 60 s")


@contextlib.asynccontextmanager
async def partitioned(pod: str) -> AsyncIterator[None]:
    """The operator in ``pod`` cannot reach the API server meanwhile, and runs on.

    Raises:
        ElsewhereError: its process is not on this machine.
    """
    process = await _process(pod)
    # A descriptor keeps the pod's network within reach when the process ends meanwhile
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        await _iptables(network, "-I", *API_SERVER)
        try:
            yield
        finally:
            await _iptables(network, "-D", *API_SERVER)
    finally:
        os.close(network)


@contextlib.asynccontextmanager
async def suspended(pod: str) -> AsyncIterator[None]:
    """The operator in ``pod`` stands still meanwhile, and goes on as if nothing had happened.

    Raises:
        ElsewhereError: its process is not on this machine.
    """
    process = await _process(pod)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)


async def _process(pod: str) -> int:
    process = await asyncio.to_thread(_process_of, pod)
    if process is None:
        raise ElsewhereError(
            f"the process of {pod} is not on this machine: run these tests on the local cluster"
        )
    return process


def _process_of(pod: str) -> int | None:
    """The operator's process in a pod of this machine's cluster; None where it is elsewhere."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
            if f"POD_NAME={pod}".encode() in environment and b"spark_operator" in command:
                return int(folder.name)
    return None


async def _iptables(network: int, *arguments: str) -> None:
    """Run iptables in the network namespace that a descriptor of ours holds."""
    process = await asyncio.create_subprocess_exec(
        "nsenter", f"--net=/proc/{os.getpid()}/fd/{network}", "--", "iptables", *arguments,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode(errors="replace")
