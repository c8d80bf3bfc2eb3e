"""A control plane for the rig: etcd, apiserver, two controllers' processes and simulated nodes.

The operator talks to it as its own ServiceAccount with its own rights, so that the API server's
priority and fairness meet it as they would elsewhere, and what it asks is counted by an audit log.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml

from bench.scale import binaries
from bench.scale.processes import Child, RigError
from dev.cluster.artifacts import binaries as node_binaries
from dev.cluster.config import Layout
from dev.cluster.machine.progress import Progress
from dev.cluster.node import components, pki
from dev.kubectl import ESTABLISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.cluster.node.pki import ControlPlanePki

ROOT: Final = Path(__file__).resolve().parents[2]
ADDRESS: Final = "127.0.0.1"
SERVICES: Final = "10.96.0.0/16"
PODS: Final = "127.64.0.0/10"
"""Addresses of simulated pods: of this very machine, so that something can answer there."""
SYSTEM: Final = "spark-system"
ACCOUNT: Final = "spark-operator"
USER: Final = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.1
TOKEN_SECONDS: Final = 86_400
CONTROLLERS: Final = "deployment-controller,replicaset-controller,garbage-collector-controller,\
disruption-controller,namespace-controller,job-controller"
NAME: Final = "simulated"
NODE: Final = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": NAME, "annotations": {"kwok.x-k8s.io/node": "fake"}},
    "spec": {"podCIDR": PODS, "podCIDRs": [PODS]},
    "status": {
        kind: {"cpu": "100000", "memory": "100Ti", "pods": "100000"}
        for kind in ("capacity", "allocatable")
    },
}


@dataclass
class Cluster:
    """What runs, and how to reach it."""

    folder: Path
    url: str
    pki: ControlPlanePki
    admin: Path
    operator: Path
    kubectl: Path
    audit: Path
    port: int
    """On which the simulated pods serve their metrics."""
    restart_apiserver: Callable[[float], None]
    """Take the API server away for some seconds."""

    @property
    def tls(self) -> ssl.SSLContext:
        """The administrator's."""
        return _tls(self.pki)

    def run(self, *arguments: str) -> str:
        """Run kubectl as the administrator.

        Raises:
            RigError: it failed.
        """
        return _kubectl(self.kubectl, self.admin, *arguments)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run it all, and end it with the block; it needs no root.

    Raises:
        RigError: a part of it did not start; the message has the end of its log.
    """
    progress, cache = Progress(), Layout.of().cache
    built = node_binaries.ensure(cache, progress)
    kwok = binaries.kwok(cache, progress)
    with tempfile.TemporaryDirectory(prefix="spark-scale-") as name, ExitStack() as stack:
        folder = Path(name)
        clients, peers, port = _free_ports(3)
        url, etcd = f"https://{ADDRESS}:{port}", f"http://{ADDRESS}:{clients}"
        _, control = pki.control_plane(folder / "pki", (ADDRESS,))
        command = components.etcd(folder / "etcd", etcd, f"http://{ADDRESS}:{peers}")
        stack.enter_context(Child([str(built.node), *command], folder / "etcd.log"))
        where = components.ApiServer(ADDRESS, port, SERVICES, etcd)
        apiserver = _ApiServer(folder, built.node, where, control, url)
        stack.callback(apiserver.stop)
        admin = pki.kubeconfig(folder / "admin", url, control.authority, control.admin)
        _install(built.kubectl, admin)
        controllers = _controllers(folder, built.node, kwok, admin, control)
        for child in controllers:
            stack.enter_context(child)
        _pages(stack, folder, url, control)
        _nodes(built.kubectl, admin, controllers)
        yield Cluster(
            folder=folder,
            url=url,
            pki=control,
            admin=admin,
            operator=_identity(folder, built.kubectl, admin, url, control),
            kubectl=built.kubectl,
            audit=folder / "audit.log",
            port=int((folder / "port").read_text()),
            restart_apiserver=apiserver.restart,
        )


class _ApiServer:
    """The API server, which can be taken away for a while."""

    def __init__(
        self,
        folder: Path,
        node: Path,
        where: components.ApiServer,
        control: ControlPlanePki,
        url: str,
    ) -> None:
        policy = folder / "audit.yaml"
        policy.write_text(yaml.safe_dump(_policy()))
        self._command = [
            str(node),
            *components.apiserver(where, control),
            # Its own address is a loopback one, which endpoints refuse; no controller makes
            # the accounts that pods would need.
            "--endpoint-reconciler-type=none",
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={folder / 'audit.log'}",
        ]
        self._folder, self._url, self._control = folder, url, control
        self._child = self._start()

    def _start(self) -> Child:
        child = Child(self._command, self._folder / "apiserver.log")
        with httpx.Client(base_url=self._url, verify=_tls(self._control), trust_env=False) as http:
            _until("kube-apiserver", lambda: _ready(http), child)
        return child

    def restart(self, seconds: float) -> None:
        self._child.kill()
        time.sleep(seconds)
        self._child = self._start()

    def stop(self) -> None:
        self._child.kill()


def _policy() -> dict[str, Any]:
    """Every request of the operator once, when it has ended; nobody else's."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
    }


def _install(kubectl: Path, admin: Path) -> None:
    """Return the CRD, the operator's account and rights, and the node."""
    manifests = ROOT / "manifests"
    _kubectl(kubectl, admin, "apply", "--kustomize", str(ROOT / "crds"))
    for state in ESTABLISHED:
        _kubectl(kubectl, admin, "wait", state, "crd/sparkdeployments.spark.dev", "--timeout=20s")
    _kubectl(kubectl, admin, "create", "namespace", SYSTEM)
    for path in ("operator/service-account.yaml", "operator/lease.yaml", "install/binding.yaml"):
        _kubectl(kubectl, admin, "apply", "--namespace", SYSTEM, "--filename", manifests / path)
    _kubectl(kubectl, admin, "apply", "--kustomize", manifests / "rbac")
    _kubectl(kubectl, admin, "create", "--filename", "-", stdin=json.dumps(NODE))
    # Admission puts it on every new node, and the controller that takes it off does not run.
    _kubectl(kubectl, admin, "taint", "nodes", NAME, "node.kubernetes.io/not-ready-")


def _controllers(
    folder: Path, node: Path, kwok: Path, admin: Path, control: ControlPlanePki
) -> list[Child]:
    """Those that fill in Deployments, bind pods and make them ready."""
    flags = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    access = [f"--{flag}={admin}" for flag in flags]
    manager = [
        "kube-controller-manager", *access, "--leader-elect=false", f"--controllers={CONTROLLERS}",
        f"--bind-address={ADDRESS}", f"--secure-port={free_port()}",
        f"--cert-dir={control.folder}", "--kube-api-qps=500", "--kube-api-burst=1000",
        "--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20",
    ]  # fmt: skip
    configuration = folder / "scheduler.yaml"
    wanted = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {"kubeconfig": str(admin), "qps": 500, "burst": 1000},
    }
    configuration.write_text(yaml.safe_dump(wanted))
    scheduler = [
        "kube-scheduler", f"--config={configuration}", f"--bind-address={ADDRESS}",
        f"--secure-port={free_port()}", f"--cert-dir={control.folder}", *access[1:],
    ]  # fmt: skip
    nodes = [
        str(kwok), f"--kubeconfig={admin}", "--manage-all-nodes=true", f"--cidr={PODS}",
        "--node-lease-duration-seconds=0", f"--config={binaries.SOURCES / 'stages.yaml'}",
    ]  # fmt: skip
    return [
        Child([str(node), *manager], folder / "controller-manager.log"),
        Child([str(node), *scheduler], folder / "scheduler.log"),
        Child(nodes, folder / "kwok.log"),
    ]


def _nodes(kubectl: Path, admin: Path, controllers: list[Child]) -> None:
    wanted = ("wait", "--for=condition=Ready", f"node/{NAME}", "--timeout=30s")
    _kubectl(kubectl, admin, *wanted)
    for child in controllers:
        if not child.runs:
            raise RigError(f"{child.log.stem} has ended; its log says:\n{child.tail()}")


def _pages(stack: ExitStack, folder: Path, url: str, control: ControlPlanePki) -> None:
    told, pair = folder / "port", control.admin
    command = [
        sys.executable, "-m", "bench.scale.pages", "--server", url, "--told", str(told),
        "--authority", str(control.authority.cert), "--cert", str(pair.cert),
        "--key", str(pair.key),
    ]  # fmt: skip
    environment = {"PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}"}
    child = stack.enter_context(Child(command, folder / "pages.log", environment))
    _until("the pods' pages", told.exists, child)


def _identity(folder: Path, kubectl: Path, admin: Path, url: str, control: ControlPlanePki) -> Path:
    """Return a kubeconfig with a token of the operator's account."""
    path = folder / "operator"
    wanted = ("create", "token", ACCOUNT, "--namespace", SYSTEM, f"--duration={TOKEN_SECONDS}s")
    token = _kubectl(kubectl, admin, *wanted).strip()
    content = yaml.safe_load(
        pki.kubeconfig(path, url, control.authority, control.admin).read_text()
    )
    content["users"][0]["user"] = {"token": token}
    path.write_text(yaml.safe_dump(content))
    return path


def _kubectl(kubectl: Path, admin: Path, *arguments: object, stdin: str = "") -> str:
    command = [str(kubectl), f"--kubeconfig={admin}", *map(str, arguments)]
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RigError(f"{' '.join(command[2:6])}: {done.stderr.strip()}")
    return done.stdout


def _until(what: str, is_so: Callable[[], bool], child: Child) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not is_so():
        if not child.runs or time.monotonic() > deadline:
            raise RigError(f"{what} did not start; its log says:\n{child.tail()}")
        time.sleep(POLL_SECONDS)


def _ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").is_success
    except httpx.TransportError:
        return False


def _tls(control: ControlPlanePki) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(control.authority.cert))
    context.load_cert_chain(control.admin.cert, control.admin.key)
    return context


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((ADDRESS, 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """Return a port of the loopback address that nobody uses now."""
    return _free_ports(1)[0]
