"""The operator, built from its parts."""

from __future__ import annotations

import os
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import httpx
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import load_incluster_config, load_kube_config

from spark_operator.adapters import http
from spark_operator.adapters.alerts.inbox import Inbox
from spark_operator.adapters.alerts.receiver import Receiver
from spark_operator.adapters.clock import SystemClock
from spark_operator.adapters.kubernetes.child_watch import ChildWatch
from spark_operator.adapters.kubernetes.client import RESOURCE, KubeCluster
from spark_operator.adapters.kubernetes.event_queue import QueuedRecorder
from spark_operator.adapters.kubernetes.events import EventRecorder
from spark_operator.adapters.kubernetes.leadership import Leadership
from spark_operator.adapters.kubernetes.lease import Lease
from spark_operator.adapters.kubernetes.metadata import MetadataClient
from spark_operator.adapters.kubernetes.secret_watch import SecretWatch
from spark_operator.adapters.metrics.pod_metrics import PodMetrics
from spark_operator.adapters.metrics.prometheus import PrometheusSeries
from spark_operator.adapters.metrics.scraper import scraper
from spark_operator.adapters.notifiers.channels import Channels
from spark_operator.adapters.notifiers.notifier import Notifier
from spark_operator.adapters.notifiers.outgoing import Outgoing
from spark_operator.adapters.resolver import Resolver, known_addresses
from spark_operator.adapters.secret_files import SecretFiles
from spark_operator.concurrency.lag import LoopLag
from spark_operator.reconcile.reconciler import Reconciler
from spark_operator.reconcile.urgency import Urgency
from spark_operator.reconcile.worker import Workers
from spark_operator.runtime.errors import MissingResourceDefinitionError, SettingsError
from spark_operator.runtime.probes import Probes
from spark_operator.runtime.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from spark_operator.adapters.metrics.scraper import Scraper
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key
    from spark_operator.runtime.settings import Settings

LEASE_NAME: Final = "spark-operator"
RESYNC_AT_REST_SECONDS: Final = 3600.0
"""How often a resource at rest is read that nothing woke; its children's versions are compared."""
TOKEN: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(slots=True)
class Operator:
    """The running parts that handlers and probes need."""

    workers: Workers
    probes: Probes
    secrets: SecretWatch
    children: ChildWatch
    lease: Leadership | None = None
    """None: there is no election, this process leads."""
    ready: bool = False
    """Whether this process watches, or waits until it leads."""
    watching: bool = False
    """Whether this process watches, so that what is known of resources is what there is."""

    def leads(self) -> bool:
        """Return whether this process decides now."""
        return self.lease is None or self.lease.leads()


async def api_client() -> ApiClient:
    """Return a client of the cluster this pod runs in, else of the one KUBECONFIG names."""
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
    """Start the operator's parts; stop them on leaving.

    Raises:
        MissingResourceDefinitionError: the CRD is not installed.
        OSError: the probes' port is taken.
    """
    clock, telemetry = SystemClock(), Telemetry()
    leadership = _leadership(clock, settings)
    async with (
        leadership or nullcontext(),
        await api_client() as client,
        LoopLag(telemetry.observe_lag).measured() as lag,
        scraper(lag) as pages,
        _pools(settings) as asker,
        channels(clock, settings) as sender,
    ):
        events = QueuedRecorder(EventRecorder(clock, settings.identity), telemetry.observe_event)
        cluster = KubeCluster(
            client,
            events,
            request_seconds=settings.request_seconds,
            leads=lambda: running.leads(),  # noqa: PLW0108 - made below
            listed=lambda key: children.take(key),  # noqa: PLW0108 - made below
        )
        await _check_definition(cluster)
        pods = _pods(pages, clock, settings, telemetry)

        def wake(key: Key) -> None:
            workers.wake(key)

        notifier = Notifier(sender, wake, telemetry.observe_notification)
        inbox = Inbox()
        series = _series(asker, clock, settings)
        reader = MetadataClient(client, request_seconds=settings.request_seconds)
        secrets = SecretWatch(reader, wake, settings.namespaces)
        children = ChildWatch(reader, cluster.get, wake, settings.namespaces)
        reconciler = Reconciler(
            cluster,
            telemetry.timed(pods, clock),
            clock,
            notifier,
            inbox,
            series,
            secrets,
            pods,
            resync_seconds=RESYNC_AT_REST_SECONDS,
        )
        workers = _workers(reconciler, clock, telemetry)
        probes = _probes(telemetry, workers, settings, lambda: running.ready)
        running = Operator(workers, probes, secrets, children, lease=leadership)
        receiver = _receiver(running, inbox, clock, settings, telemetry.observe_alert)
        async with _stopping(events.queue, probes, notifier, series, workers, receiver):
            for starting in (events.queue, probes, receiver):
                if starting is not None:
                    await starting.start()
            yield running


@asynccontextmanager
async def _stopping(*parts: _Stops | None) -> AsyncIterator[None]:
    """Stop every part on leaving, the last one first."""
    async with AsyncExitStack() as ending:
        for part in parts:
            if part is not None:
                ending.push_async_callback(part.stop)
        yield


class _Stops(Protocol):
    """What can be stopped."""

    async def stop(self) -> None: ...


def _pods(pages: Scraper, clock: Clock, settings: Settings, telemetry: Telemetry) -> PodMetrics:
    return PodMetrics(
        pages,
        clock,
        seconds=settings.scrape_seconds,
        limit=settings.scrape_bytes,
        observer=telemetry.observe_scrape,
    )


def _probes(
    telemetry: Telemetry, workers: Workers, settings: Settings, ready: Callable[[], bool]
) -> Probes:
    return Probes(
        telemetry.page,
        settings.port,
        live=lambda: workers.longest_reconcile() < settings.stall_seconds,
        ready=ready,
    )


def _workers(reconciler: Reconciler, clock: Clock, telemetry: Telemetry) -> Workers:
    workers = Workers(
        reconciler,
        clock,
        telemetry.observe_reconcile,
        telemetry.observe_waiting,
        resync_seconds=RESYNC_AT_REST_SECONDS,
    )
    telemetry.track_longest(workers.longest_reconcile)
    telemetry.track_waiting(workers.waiting)
    return workers


def cluster_of(
    client: ApiClient, clock: Clock, settings: Settings, leads: Callable[[], bool]
) -> KubeCluster:
    """Make the client of the API server that reads and writes resources and children."""
    recorder = EventRecorder(clock, settings.identity)
    return KubeCluster(client, recorder, request_seconds=settings.request_seconds, leads=leads)


def _pools(settings: Settings) -> http.Pools:
    """Make clients that share one context: making one takes longer than the request."""
    tls = trusted(settings.ca_file)
    return http.Pools(lambda: http.client(tls))


def resolver() -> Resolver:
    """Return what looks names up: in a pod, this machine and the API server are refused."""
    if not TOKEN.exists():
        return Resolver(loopback=True)
    return Resolver(forbidden=known_addresses(os.environ.get("KUBERNETES_SERVICE_HOST", "")))


def _series(asker: http.Pools, clock: Clock, settings: Settings) -> PrometheusSeries:
    return PrometheusSeries(
        asker,
        resolver(),
        SecretFiles(Path(settings.secrets_dir)),
        clock,
        wait=settings.scrape_seconds,
        limit=settings.scrape_bytes,
    )


def trusted(ca_file: str) -> ssl.SSLContext:
    """Return TLS for channels, which trusts what httpx and the system trust, and a given file.

    Raises:
        SettingsError: the file cannot be read or holds no certificates.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise SettingsError(
                f"SPARK_OPERATOR_CA_FILE={ca_file!r}: {error}: name a file of PEM certificates"
            ) from error
    return context


@asynccontextmanager
async def channels(clock: Clock, settings: Settings) -> AsyncIterator[Channels]:
    """Open what sends notifications; to this very machine only where it is no pod.

    Raises:
        SettingsError: the file of authorities is unusable.
    """
    # Mail has a context of its own: HTTP clients enter their protocol's name into the one they get.
    tls = trusted(settings.ca_file)
    async with _pools(settings) as poster:
        yield Channels(
            Outgoing(poster, resolver()),
            SecretFiles(Path(settings.secrets_dir)),
            tls,
            clock,
            pagerduty=settings.pagerduty_url,
        )


def _receiver(
    running: Operator,
    inbox: Inbox,
    clock: Clock,
    settings: Settings,
    observer: Callable[[str], None],
) -> Receiver | None:
    """Return what takes alerts in; None where nobody may push any.

    Raises:
        SettingsError: the certificate or its key is unusable.
    """
    if not settings.alert_token_file:
        return None
    return Receiver(
        inbox,
        clock,
        Path(settings.alert_token_file),
        port=settings.alert_port,
        leads=lambda: running.watching and running.leads(),
        wake=lambda key: running.workers.wake(key, Urgency.TRAFFIC),
        observer=observer,
        namespaces=settings.namespaces,
        tls=_certificate(settings.alert_tls_dir),
    )


def _certificate(folder: str) -> ssl.SSLContext | None:
    if not folder:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(Path(folder) / "tls.crt", Path(folder) / "tls.key")
    except OSError as error:
        raise SettingsError(
            f"SPARK_OPERATOR_ALERT_TLS_DIR={folder!r}: {error}: mount tls.crt and tls.key there"
        ) from error
    return context


def _leadership(clock: Clock, settings: Settings) -> Leadership | None:
    if not settings.lease_namespace:
        return None

    @asynccontextmanager
    async def lease() -> AsyncIterator[Lease]:
        async with await api_client() as client:
            cluster = cluster_of(client, clock, settings, lambda: True)
            yield Lease(
                cluster.get,
                cluster.request,
                clock,
                namespace=settings.lease_namespace,
                name=LEASE_NAME,
                identity=settings.identity,
            )

    return Leadership(lease)


async def _check_definition(cluster: KubeCluster) -> None:
    if await cluster.get(f"/apis/{RESOURCE.api_version}") is None:
        raise MissingResourceDefinitionError(
            "the cluster does not know SparkDeployments:"
            " apply crds/sparkdeployments.spark.dev.yaml first"
        )
