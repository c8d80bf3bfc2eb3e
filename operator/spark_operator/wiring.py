"""Builds the operator from its parts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config

from spark_operator.adapters import http
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.events import Recorder
from spark_operator.adapters.kube import RESOURCE, KubeCluster
from spark_operator.adapters.lease import Lease
from spark_operator.adapters.pod_metrics import PodMetrics
from spark_operator.errors import MissingResourceDefinitionError
from spark_operator.probes import Probes
from spark_operator.reconciler import Reconciler
from spark_operator.telemetry import Telemetry
from spark_operator.worker import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from spark_operator.settings import Settings

LEASE_NAME: Final = "spark-operator"
TOKEN: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(slots=True)
class Operator:
    """The running parts that handlers and probes need."""

    workers: Workers
    probes: Probes
    lease: Lease | None = None
    """None: there is no election, this process leads."""
    ready: bool = False
    """Whether this process watches, or waits for its turn to lead."""


async def api_client() -> ApiClient:
    """A client of the cluster this pod runs in, else of the one KUBECONFIG names."""
    configuration = Configuration()
    if TOKEN.exists():
        load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    else:
        await load_kube_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration
        )
    configuration.retries = None
    return ApiClient(configuration)


@asynccontextmanager
async def operator(settings: Settings) -> AsyncIterator[Operator]:
    """The operator's parts, started; stopped on leaving.

    Raises:
        MissingResourceDefinitionError: the CRD is not installed.
        OSError: the probes' port is taken.
    """
    clock, telemetry = SystemClock(), Telemetry()
    async with await api_client() as client, http.client() as scraper:
        cluster = KubeCluster(
            client,
            Recorder(clock, settings.identity),
            request_seconds=settings.request_seconds,
            leads=lambda: running.lease is None or running.lease.leads(),
        )
        await _check_definition(cluster)
        metrics = PodMetrics(
            scraper, clock, seconds=settings.scrape_seconds, limit=settings.scrape_bytes
        )
        workers = Workers(Reconciler(cluster, metrics, clock), clock, telemetry.observe_turn)
        telemetry.track_longest(workers.longest_turn)
        probes = Probes(
            telemetry.page,
            settings.port,
            live=lambda: workers.longest_turn() < settings.stall_seconds,
            ready=lambda: running.ready,
        )
        running = Operator(workers, probes, lease=_lease(cluster, clock, settings))
        await probes.start()
        try:
            yield running
        finally:
            await workers.stop()
            await probes.stop()


def _lease(cluster: KubeCluster, clock: SystemClock, settings: Settings) -> Lease | None:
    if not settings.lease_namespace:
        return None
    return Lease(
        cluster.get,
        cluster.request,
        clock,
        namespace=settings.lease_namespace,
        name=LEASE_NAME,
        identity=settings.identity,
    )


async def _check_definition(cluster: KubeCluster) -> None:
    if await cluster.get(f"/apis/{RESOURCE.api_version}") is None:
        raise MissingResourceDefinitionError(
            "the cluster does not know SparkDeployments:"
            " apply crds/sparkdeployments.spark.dev.yaml first"
        )
