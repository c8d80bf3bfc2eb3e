"""A real kube-apiserver for tests, on loopback and free ports, ready in seconds.

Use::

    from dev.cluster.apiserver import apiserver

    with apiserver() as running:
        kubernetes.config.new_client_from_config(str(running.kubeconfig))

It is etcd and kube-apiserver and nothing else: no controller fills in a Deployment's status, no
garbage is collected, no namespace ends.  It needs no root.  The first use builds the binary,
which takes minutes; see ``dev.cluster.binaries``.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.artifacts import binaries
from dev.cluster.config import Layout
from dev.cluster.errors import ProcessDiedError
from dev.cluster.machine import shell
from dev.cluster.machine.progress import Progress
from dev.cluster.node import components, pki
from dev.cluster.node.api import Api, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "127.0.0.1"
SERVICES = "10.96.0.0/16"
READY_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class RunningApiServer:
    """An apiserver that answers; its administrator's kubeconfig; the matching kubectl."""

    url: str
    kubeconfig: Path
    kubectl: Path


@contextmanager
def apiserver() -> Iterator[RunningApiServer]:
    """Run etcd and kube-apiserver, and end them with the block.

    They end with this process too, however it ends.

    Raises:
        ProcessDiedError: one of them ended early; the message has the end of its log.
        NotReadyError: it did not answer within 60 s.
    """
    built = binaries.ensure(Layout.of().cache, Progress())
    with tempfile.TemporaryDirectory(prefix="spark-apiserver-") as name, ExitStack() as stack:
        folder = Path(name)
        clients, peers, port = _free_ports(3)
        url = f"https://{ADDRESS}:{port}"
        _, control = pki.control_plane(folder / "pki", (ADDRESS,))
        etcd = f"http://{ADDRESS}:{clients}"
        where = components.ApiServer(ADDRESS, port, SERVICES, etcd)
        started = [
            _child(stack, built.node, folder, arguments)
            for arguments in (
                components.etcd(folder / "etcd", etcd, f"http://{ADDRESS}:{peers}"),
                # Its own address is a loopback one, which endpoints refuse; and no controller
                # makes the account that pods would need.
                [
                    *components.apiserver(where, control),
                    "--endpoint-reconciler-type=none",
                    "--disable-admission-plugins=ServiceAccount",
                ],
            )
        ]
        with Api(url, control) as api:
            check = lambda: _check(started, folder)  # noqa: E731
            wait("kube-apiserver", api.is_ready, seconds=READY_SECONDS, check=check)
        path = pki.kubeconfig(folder / "kubeconfig", url, control.authority, control.admin)
        yield RunningApiServer(url, path, built.kubectl)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((ADDRESS, 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def _child(
    stack: ExitStack, node: Path, folder: Path, arguments: list[str]
) -> subprocess.Popen[bytes]:
    # The kernel ends it when this process is killed before it can do so itself.
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [*prefix, str(node), *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    # Nothing of it is kept, so nothing needs to be finished.
    process.kill()
    process.wait(STOP_SECONDS)


def _check(started: list[subprocess.Popen[bytes]], folder: Path) -> None:
    for process in started:
        if process.poll() is not None:
            logs = "\n".join(shell.tail(log.read_text()) for log in sorted(folder.glob("*.log")))
            raise ProcessDiedError(f"A part of the test apiserver ended; its log says:\n{logs}")
