"""The layer that counts: everything inside it, whatever goes wrong, is seen by the metrics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from spark_app.errors import InternalError
from spark_app.web.exchange import exchange_of, send_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from spark_app.delivery.error_tracking import ErrorTracker
    from spark_app.errors import Origin
    from spark_app.telemetry.metrics import Family, Metrics, Severity
    from spark_app.telemetry.tracing import Tracing
    from spark_app.web.accesslog import AccessLog
    from spark_app.web.exchange import Exchange

__all__ = ["FAMILIES", "Counting"]

FAMILIES: dict[str, Family] = {"/api/spark/generate": "generate", "/api/export": "export"}
_log = logging.getLogger(__name__)


class Counting:
    """Pure ASGI middleware: counts and times requests, turns what escapes into a problem."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        tracker: ErrorTracker,
        tracing: Tracing,
        *,
        access_log: AccessLog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._tracker = tracker
        self._tracing = tracing
        self._access_log = access_log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = exchange_of(scope)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            await send(message)

        family = FAMILIES.get(scope["path"])
        if family is None:
            await self._guarded(scope, receive, noted, exchange)
            return
        started = self._clock()
        self._metrics.inflight.inc()
        try:
            if self._tracing.enabled:
                await self._traced(scope, receive, noted, exchange)
            else:
                await self._guarded(scope, receive, noted, exchange)
        finally:
            seconds = self._clock() - started
            self._metrics.inflight.dec()
            self._count(family, exchange, seconds)
            if self._access_log is not None:
                self._access_log.write(scope, exchange, seconds)

    async def _traced(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        with self._tracing.request(scope, exchange.request_id) as span:
            await self._guarded(scope, receive, send, exchange)
            if span is not None:
                span.set_attribute("http.response.status_code", exchange.status)

    async def _guarded(
        self, scope: Scope, receive: Receive, send: Send, exchange: Exchange
    ) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            _log.exception("request %s failed unexpectedly", exchange.request_id)
            self._tracker.report(error, exchange.request_id)
            self._metrics.errors.labels("critical", "app").inc()
            exchange.origin = "app"
            if exchange.status:
                exchange.failed = True
                raise
            await send_problem(send, scope, InternalError("a defect of the service; it is logged"))

    def _count(self, family: Family, exchange: Exchange, seconds: float) -> None:
        status = 500 if exchange.failed or not exchange.status else exchange.status
        status_class = f"{status // 100}xx"
        origin = _origin(status_class, exchange.origin)
        if origin != "none":
            severity: Severity = "warning" if status_class == "4xx" else "error"
            self._metrics.errors.labels(severity, origin).inc()
        self._metrics.requests[family].labels(status_class, origin, exchange.attempt).inc()
        if status_class != "4xx" and (status_class, origin) != ("5xx", "none"):
            self._metrics.observe(family, seconds)


def _origin(status_class: str, named: Origin | None) -> Origin:
    match status_class:
        case "4xx":
            return "client"
        case "5xx":
            # Whoever answers 5xx without naming a culprit is one himself.
            return named or "app"
        case _:
            return "none"
