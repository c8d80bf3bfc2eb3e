"""Puts the service together."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from spark_app.core.breaker import Breaker, BreakerConfig
from spark_app.generation import Generator, Member
from spark_app.lifecycle import Lifecycle
from spark_app.metrics import Metrics
from spark_app.providers.claude import ClaudeProvider
from spark_app.providers.openai import OpenAIProvider
from spark_app.web.counting import Counting
from spark_app.web.edge import Edge
from spark_app.web.endpoints import Export, Generate, MetricsPage, Ready, Router
from spark_app.web.health import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from spark_app.providers.base import ProviderPort
    from spark_app.settings import Settings

__all__ = ["SparkApp", "create_app"]


class SparkApp:
    """The ASGI application, with what its server has to know."""

    def __init__(
        self,
        app: ASGIApp,
        lifecycle: Lifecycle,
        providers: Sequence[ProviderPort],
    ) -> None:
        self._app = app
        self.lifecycle = lifecycle
        self._providers = providers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.lifecycle.started = True
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for provider in self._providers:
            await provider.close()
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
    metrics = Metrics(settings.release, settings.version)
    lifecycle = Lifecycle()
    members = [_member(provider, metrics) for provider in _providers(settings)]
    generator = Generator(
        members, metrics, deadline=settings.deadline, max_tokens=settings.max_tokens
    )
    health = Health(members, lifecycle, release=settings.release, version=settings.version)
    app: ASGIApp = Router(
        {
            "/api/spark/generate": {"POST": Generate(generator, settings.max_body)},
            "/api/export": {"POST": Export(settings.max_body)},
            "/api/spark/health": {"GET": health},
            "/api/metrics": {"GET": MetricsPage(metrics)},
            "/readyz": {"GET": Ready(lifecycle)},
        }
    )
    for wrap in reversed(inner_middleware):
        app = wrap(app)
    app = Counting(app, metrics)
    app = Edge(app, lifecycle, release=settings.release, connection_age=settings.connection_age)
    return SparkApp(app, lifecycle, [member.provider for member in members])


def _providers(settings: Settings) -> list[ProviderPort]:
    found: list[ProviderPort] = []
    if key := settings.anthropic_api_key:
        secret = key.get_secret_value()
        found.append(ClaudeProvider(secret, settings.anthropic_base_url, settings.anthropic_model))
    if key := settings.openai_api_key:
        secret = key.get_secret_value()
        found.append(OpenAIProvider(secret, settings.openai_base_url, settings.openai_model))
    return found


def _member(provider: ProviderPort, metrics: Metrics) -> Member:
    breaker = Breaker(provider.name, BreakerConfig(), time.monotonic, random.random)
    metrics.watch_breaker(provider.name, lambda: breaker.state)
    return Member(provider, breaker)
