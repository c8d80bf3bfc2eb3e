"""The same API twice: in memory, and a real kube-apiserver."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_kube_config

from dev.cluster.node.apiserver import RunningApiServer, apiserver
from dev.kubectl import ESTABLISHED
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.kubernetes.client import KubeCluster
from spark_operator.adapters.kubernetes.events import EventRecorder
from tests.simulation.api.server import ApiServer
from tests.simulation.api.transport import Call, Counter, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

CRDS: Final = Path(__file__).resolve().parents[2] / "crds"
_NUMBERS = count(1)


class NoFaults:
    """Every request gets through."""

    async def before(self, call: Call) -> None:
        """Nothing happens."""

    async def after(self, call: Call) -> None:
        """Nothing happens."""


@dataclass(frozen=True)
class Api:
    """One API server seen through the operator's own wrapper, and a namespace of one's own."""

    cluster: KubeCluster
    namespace: str

    def path(self, plural: str, name: str = "", version: str = "v1") -> str:
        """Path of a collection or an object in the test's namespace."""
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        collection = f"{root}/namespaces/{self.namespace}/{plural}"
        return f"{collection}/{name}" if name else collection


@pytest.fixture(scope="module")
def real() -> Iterator[RunningApiServer]:
    """A kube-apiserver with the CRD established."""
    with apiserver() as running:
        kubectl = [str(running.kubectl), f"--kubeconfig={running.kubeconfig}"]
        run([*kubectl, "apply", "--kustomize", str(CRDS)], check=True, capture_output=True)  # noqa: S603
        for state in ESTABLISHED:
            wait = [*kubectl, "wait", state, "crd/sparkdeployments.spark.dev", "--timeout=20s"]
            run(wait, check=True, capture_output=True)  # noqa: S603
        yield running


def _wrapped(client: Any) -> KubeCluster:
    return KubeCluster(client, EventRecorder(SystemClock(), "contract"), request_seconds=10.0)


@asynccontextmanager
async def _memory(namespace: str) -> AsyncIterator[Api]:
    server = ApiServer(SystemClock().now)
    transport = Transport(server, "contract", Counter(), NoFaults(), lambda: 0.0)
    yield Api(_wrapped(cast("Any", transport)), namespace)


@asynccontextmanager
async def _apiserver(running: RunningApiServer, namespace: str) -> AsyncIterator[Api]:
    configuration = Configuration()
    await load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(running.kubeconfig), client_configuration=configuration
    )
    configuration.retries = None
    async with ApiClient(configuration) as client:
        cluster = _wrapped(client)
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await cluster.request("POST", "/api/v1/namespaces", body)
        yield Api(cluster, namespace)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.integration)])
def connect(request: pytest.FixtureRequest) -> Callable[[], AbstractAsyncContextManager[Api]]:
    """Opens the API server in the running event loop."""
    namespace = f"contract-{next(_NUMBERS)}"
    if request.param == "memory":
        return partial(_memory, namespace)
    return partial(_apiserver, request.getfixturevalue("real"), namespace)


@pytest.fixture
async def api(connect: Callable[[], AbstractAsyncContextManager[Api]]) -> AsyncIterator[Api]:
    """The API server for one test."""
    async with connect() as opened:
        yield opened
