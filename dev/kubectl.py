"""Running kubectl: the cluster's own where there is one, else the machine's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dev.cluster.config import Layout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

LINE_LIMIT = 4_194_304
"""Bytes of one watch event at most."""
ESTABLISHED: Final = (
    "--for=jsonpath={.status.acceptedNames.kind}=SparkDeployment",
    "--for=condition=Established",
)
"""What to wait for of the CRD, in turn: kubectl fails on one that has no conditions yet."""


class KubectlError(Exception):
    """kubectl is missing or failed; the message holds what it said."""


def find() -> Path:
    """Return the kubectl to use.

    Raises:
        KubectlError: there is none.
    """
    own = Layout.of().kubeconfig.parent / "bin" / "kubectl"
    if own.exists():
        return own
    if found := shutil.which("kubectl"):
        return Path(found)
    raise KubectlError("kubectl is not on PATH: install it, or use the cluster of make cluster-up.")


class Kubectl:
    """kubectl for one cluster; each call is bounded in time (seconds)."""

    def __init__(self, executable: Path, kubeconfig: Path) -> None:
        self._command = [str(executable), f"--kubeconfig={kubeconfig}"]

    async def run(self, *arguments: str, stdin: str = "", seconds: float = 30.0) -> str:
        """Run kubectl and return its output.

        Raises:
            KubectlError: it failed, or took longer than ``seconds``.
        """
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        what = f"kubectl {' '.join(arguments)}"
        try:
            async with asyncio.timeout(seconds):
                out, err = await process.communicate(stdin.encode())
        except TimeoutError:
            raise KubectlError(f"{what} took longer than {seconds:.0f} s") from None
        finally:
            await _end(process)
        if process.returncode:
            raise KubectlError(f"{what}: {err.decode(errors='replace').strip()}")
        return out.decode()

    async def apply(self, objects: Sequence[dict[str, Any]], *, seconds: float = 30.0) -> str:
        """Apply objects server-side; raises KubectlError with the API server's refusal."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        arguments = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        return await self.run(*arguments, stdin=document, seconds=seconds)

    async def raw(self, path: str, *, seconds: float = 10.0) -> str:
        """Get a path of the API server; raises KubectlError."""
        return await self.run("get", "--raw", path, seconds=seconds)

    async def post(self, path: str, body: object, *, seconds: float = 10.0) -> str:
        """Post JSON to a path of the API server; raises KubectlError."""
        arguments = ("create", "--raw", path, "-f", "-")
        return await self.run(*arguments, stdin=json.dumps(body), seconds=seconds)

    async def watch(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of one watch until it ends; ``path`` asks for one, with its time."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            "get",
            "--raw",
            path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LINE_LIMIT,
        )
        try:
            while process.stdout and (line := await process.stdout.readline()):
                yield json.loads(line)
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
