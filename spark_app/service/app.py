"""The service, put together from its parts."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from spark_app.admission.ratelimit import RateLimiter
from spark_app.admission.shedding import LoopLag, Shedder
from spark_app.core.breaker import Breaker, BreakerConfig
from spark_app.core.keys import KeyRing
from spark_app.core.routing import Routing
from spark_app.delivery.error_tracking import ErrorTracker, configure_sentry
from spark_app.delivery.records import RequestRecorder
from spark_app.generation.cache import ScriptCache
from spark_app.generation.scriptwriter import Scriptwriter
from spark_app.live.documents import Maintenance
from spark_app.live.lifecycle import Lifecycle
from spark_app.providers.clients import ports_of
from spark_app.providers.clients import reveal as _reveal
from spark_app.providers.gateway import Gateway
from spark_app.providers.pool import Pool
from spark_app.providers.probing import Prober
from spark_app.reading.reader import CodeReader
from spark_app.service.mounted import Mounted
from spark_app.storage.dependencies import Dependencies
from spark_app.telemetry.metrics import Metrics
from spark_app.telemetry.tracing import configure_tracing
from spark_app.web.accesslog import AccessLog
from spark_app.web.admin import Admin
from spark_app.web.counting import Counting
from spark_app.web.door import Door, Rates
from spark_app.web.edge import Edge
from spark_app.web.endpoints import Export, Fixed, Generate, MetricsPage, Ready, Router
from spark_app.web.gate import Gate, State
from spark_app.web.health import Health
from spark_app.web.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from starlette.types import ASGIApp, Receive, Scope, Send

    from spark_app.core.provider import Provider
    from spark_app.settings import Settings

_PAGE_POLICY: Final = (
    b"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    b" connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)


class SparkApp:
    """The ASGI application, with what its server and its tests have to know.

    Attributes:
        lifecycle: the server sets it draining.
        gateway: the providers.
        metrics: what is counted.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics(settings.release, settings.version, key_ids=settings.names_key_ids)
        self.lifecycle = Lifecycle()
        self.keys = KeyRing(
            secrets.token_bytes(32),
            enabled=settings.needs_key,
            verification=_reveal(settings.verify_key) or None,
        )
        self.door = _door(settings, self.keys)
        self.state = State(Maintenance(enabled=settings.maintenance))
        self.dependencies = Dependencies(settings, self.metrics)
        self.tracing = configure_tracing(settings.otlp_endpoint, settings.version)
        self.tracker = _tracker(settings, self.metrics)
        self.recorder = RequestRecorder(self.dependencies.outboxes, self.dependencies.audits)
        self.reader = CodeReader()
        self.gateway = _gateway(self)
        self.prober = Prober(
            self.gateway, self.metrics, interval=settings.probe, chance=random.random
        )
        self.writer = _writer(self)
        self.lag = LoopLag()
        self.shedder = Shedder(self.lag, most=settings.max_inflight, late=settings.max_lag)
        mounted = Mounted(settings, self.keys, self.state, self.gateway)
        self.files = mounted.files
        self.metrics.registry.register(mounted)
        self.lifecycle.missing = self.dependencies.missing
        self.asgi: ASGIApp | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self.asgi is not None:
            await self.asgi(scope, receive, send)

    async def start(self) -> None:
        """Begin the background work."""
        self.files.begin()
        await self.reader.start()
        for pool in self.gateway.pools.values():
            await pool.prime()
        work: list[Coroutine[Any, Any, None]] = [
            self.lag.watch(),
            self.files.watch(),
            self.prober.run(),
            self.dependencies.run(),
            *(outbox.run() for outbox in self.dependencies.outboxes),
            *(audit.run() for audit in self.dependencies.audits),
        ]
        if self.tracker.outbox is not None:
            work.append(self.tracker.outbox.run())
        self._tasks = [asyncio.create_task(one) for one in work]
        self.lifecycle.started = True

    async def stop(self) -> None:
        """End it; records that wait get a short last chance."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.writer.close()
        await self.reader.close()
        for pool in self.gateway.pools.values():
            with contextlib.suppress(Exception):
                await pool.close()
        await self.dependencies.close()
        await self.tracker.close()
        await asyncio.to_thread(self.tracing.close)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def create_app(
    settings: Settings, *, inner_middleware: Sequence[Callable[[ASGIApp], ASGIApp]] = ()
) -> SparkApp:
    """Build the service.

    Args:
        settings: what it is to be.
        inner_middleware: ASGI middleware, outermost first, put around the endpoints but inside
            the counting, so that the service's own metrics see what it does.
    """
    spark = SparkApp(settings)
    app: ASGIApp = Gate(
        Router(_routes(spark)),
        door=spark.door,
        limiter=_limiter(spark),
        shedder=spark.shedder,
        state=spark.state,
        metrics=spark.metrics,
    )
    for wrap in reversed(inner_middleware):
        app = wrap(app)
    access_log = AccessLog(settings.release) if settings.access_log else None
    app = Counting(app, spark.metrics, spark.tracker, spark.tracing, access_log=access_log)
    spark.asgi = Edge(
        app,
        spark.lifecycle,
        release=settings.release,
        connection_age=settings.connection_age,
    )
    return spark


def _routes(spark: SparkApp) -> dict[str, dict[str, ASGIApp]]:
    settings = spark.settings
    release = settings.release
    max_body, body_seconds = settings.max_body, settings.body_seconds
    generate = Generate(
        spark.writer,
        spark.recorder,
        spark.metrics,
        max_body=max_body,
        body_seconds=body_seconds,
        release=release,
    )
    admin = Admin(spark.door, spark.gateway, spark.state, spark.recorder)
    routes: dict[str, dict[str, ASGIApp]] = {
        "/api/spark/generate": {"POST": generate},
        "/api/export": {
            "POST": Export(
                spark.reader,
                spark.recorder,
                max_body=max_body,
                body_seconds=body_seconds,
                release=release,
            )
        },
        "/api/spark/health": {"GET": _health(spark)},
        "/api/metrics": {"GET": MetricsPage(spark.metrics)},
        "/api/openapi.json": {
            "GET": Fixed(b"application/json", openapi_document(settings.version))
        },
        # The edge answers GET itself; here is what turns other methods away.
        "/livez": {"GET": Fixed(b"text/plain; charset=utf-8", b"ok\n")},
        "/readyz": {"GET": Ready(spark.lifecycle)},
        "/api/admin/state": {"GET": admin.show},
        "/api/admin/providers": {"PUT": admin.providers},
        "/api/admin/maintenance": {"PUT": admin.maintenance},
        "/api/admin/revocations": {"POST": admin.revocations},
    }
    if settings.page:
        routes["/"] = {"GET": _page()}
    return routes


def _health(spark: SparkApp) -> Health:
    return Health(
        spark.gateway,
        spark.lifecycle,
        spark.dependencies,
        spark.tracker,
        spark.door,
        spark.state,
        spark.files,
        release=spark.settings.release,
        version=spark.settings.version,
    )


def _page() -> Fixed:
    page = files("spark_app.web").joinpath("page.html").read_bytes()
    policy = [
        (b"content-security-policy", _PAGE_POLICY),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Fixed(b"text/html; charset=utf-8", page, policy)


def _gateway(spark: SparkApp) -> Gateway:
    settings = spark.settings
    pools: dict[Provider, Pool] = {}
    for name, ports in ports_of(settings, spark.metrics.diagnostics).items():
        breaker = Breaker(name, BreakerConfig(), time.monotonic, random.random)
        pools[name] = Pool(
            name, ports, breaker, spark.metrics, clock=time.monotonic, chance=random.random
        )
    gateway = Gateway(
        pools,
        Routing(settings.provider_order),
        spark.metrics,
        spark.tracing,
        clock=time.monotonic,
        chance=random.random,
        idle=settings.stream_idle,
    )
    for name, pool in pools.items():
        spark.metrics.diagnostics.watch(pool)
        spark.metrics.watch_breaker(name, lambda name=name: gateway.breaker_state(name))  # type: ignore[misc]
    return gateway


def _writer(spark: SparkApp) -> Scriptwriter:
    settings = spark.settings
    cache = ScriptCache(
        spark.dependencies.redis,
        spark.metrics,
        size=settings.cache_bytes,
        age=settings.cache_seconds,
        clock=time.monotonic,
    )
    return Scriptwriter(
        spark.gateway,
        cache,
        spark.metrics,
        spark.reader,
        deadline=settings.deadline,
        max_tokens=settings.max_tokens,
        basis=f"{settings.anthropic_model}/{settings.openai_model}",
    )


def _limiter(spark: SparkApp) -> RateLimiter:
    settings = spark.settings
    return RateLimiter(
        settings.rate_limit,
        spark.dependencies.redis,
        spark.metrics,
        replicas=settings.replicas,
    )


def _door(settings: Settings, keys: KeyRing) -> Door:
    rates = Rates(
        address=settings.anonymous_rate,
        together=settings.anonymous_total,
        wrong=settings.wrong_key_rate,
        replicas=settings.replicas,
    )
    return Door(keys, rates, anonymous=settings.allow_anonymous)


def _tracker(settings: Settings, metrics: Metrics) -> ErrorTracker:
    if dsn := settings.sentry_dsn:
        configure_sentry(
            dsn.get_secret_value(), release=settings.release, environment=settings.environment
        )
    url = settings.error_tracking_url
    return ErrorTracker(
        url.get_secret_value() if url else None,
        metrics,
        release=settings.release,
        sentry=settings.sentry_dsn is not None,
    )
