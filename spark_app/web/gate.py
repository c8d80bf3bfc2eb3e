"""Who may come in: maintenance, load, API key, rate limit; in this order, cheapest first."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from spark_app.core.keys import ANONYMOUS, Caller
from spark_app.errors import (
    MaintenanceError,
    OverloadedError,
    RateLimitedError,
    UnauthenticatedError,
)
from spark_app.web.counting import FAMILIES
from spark_app.web.exchange import exchange_of, header, send_problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from spark_app.admission.ratelimit import Decision, RateLimiter
    from spark_app.admission.shedding import Shedder
    from spark_app.core.keys import KeyRing
    from spark_app.errors import SparkError
    from spark_app.live.documents import Maintenance
    from spark_app.telemetry.metrics import Metrics

__all__ = ["Gate", "State", "presented_key"]


class State:
    """What an operator can switch while the service runs."""

    def __init__(self, maintenance: Maintenance) -> None:
        self.maintenance = maintenance


class Gate:
    """Pure ASGI middleware around the two endpoints that do work; the others pass."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeyRing,
        limiter: RateLimiter,
        shedder: Shedder,
        state: State,
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._keys = keys
        self._limiter = limiter
        self._shedder = shedder
        self._state = state
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http" or scope["path"] not in FAMILIES:
            await self._app(scope, receive, send)
            return
        refusal = await self._refuse(scope)
        if refusal is not None:
            await send_problem(send, scope, refusal)
            return
        self._shedder.inflight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._shedder.inflight -= 1

    async def _refuse(self, scope: Scope) -> SparkError | None:
        closed = self._state.maintenance
        if closed.enabled and not self._may_pass(scope):
            return MaintenanceError(
                closed.message, retry_after=closed.retry_after(datetime.now(UTC))
            )
        if self._shedder.full:
            self._metrics.shed.inc()
            return OverloadedError("try again shortly", retry_after=_spread(2.0))
        exchange = exchange_of(scope)
        if not self._keys.enabled:
            exchange.key_id = ANONYMOUS
            return None
        caller = authenticate(self._keys, scope)
        if caller is None:
            return UnauthenticatedError("send a valid key in the header X-API-Key")
        exchange.key_id = caller.key_id
        decision = await self._limiter.hit(caller.key_id)
        exchange.headers += _limit_headers(decision)
        left = decision.remaining / decision.quota
        self._metrics.diagnostics.hit(caller.key_id, allowed=decision.allowed, left=left)
        if decision.allowed:
            return None
        self._metrics.limited.inc()
        return RateLimitedError(
            f"{decision.quota} requests per {decision.window} s are allowed for a key",
            retry_after=_spread(max(1.0, decision.reset)),
            extra={"violated-policies": ["key"]},
        )

    def _may_pass(self, scope: Scope) -> bool:
        caller = authenticate(self._keys, scope)
        return caller is not None and caller.may_pass_maintenance


def presented_key(scope: Scope) -> str | None:
    """The key that the client sent, in `X-API-Key` or as a bearer token."""
    key = header(scope, b"x-api-key")
    if key is None:
        scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else None
    return key


def authenticate(keys: KeyRing, scope: Scope) -> Caller | None:
    """The caller, or None where the key is missing or unknown."""
    presented = presented_key(scope)
    return None if presented is None else keys.identify(presented)


def _limit_headers(decision: Decision) -> list[tuple[bytes, bytes]]:
    # draft-ietf-httpapi-ratelimit-headers-11, and the older headers that clients know.
    d = decision
    return [
        (b"ratelimit-policy", b'"key";q=%d;w=%d' % (d.quota, d.window)),
        (b"ratelimit", b'"key";r=%d;t=%d' % (d.remaining, d.reset)),
        (b"x-ratelimit-limit", b"%d" % d.quota),
        (b"x-ratelimit-remaining", b"%d" % d.remaining),
        (b"x-ratelimit-reset", b"%d" % d.reset),
    ]


def _spread(seconds: float) -> float:
    # Clients that were all refused together must not all come back together.
    return seconds * (1.0 + 0.5 * random.random())  # noqa: S311
