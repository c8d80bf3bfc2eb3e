"""Who may come in: maintenance, load, API key, rate limit; in this order, cheapest first."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from spark_app.core.keys import ANONYMOUS
from spark_app.errors import (
    MaintenanceError,
    OverloadedError,
    RateLimitedError,
    SparkError,
    UnauthenticatedError,
)
from spark_app.web.counting import FAMILIES
from spark_app.web.exchange import exchange_of, send_problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from spark_app.admission.ratelimit import Decision, RateLimiter
    from spark_app.admission.shedding import Shedder
    from spark_app.live.documents import Maintenance
    from spark_app.telemetry.metrics import Metrics
    from spark_app.web.door import Door


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
        door: Door,
        limiter: RateLimiter,
        shedder: Shedder,
        state: State,
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._door = door
        self._limiter = limiter
        self._shedder = shedder
        self._state = state
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http" or scope["path"] not in FAMILIES:
            await self._app(scope, receive, send)
            return
        refusal = self._closed(scope)
        if refusal is not None:
            await send_problem(send, scope, refusal)
            return
        # The place is taken before anything is awaited: who asks meanwhile must see it.
        self._shedder.inflight += 1
        try:
            refusal = await self._unwelcome(scope)
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await send_problem(send, scope, refusal)
        finally:
            self._shedder.inflight -= 1

    def _closed(self, scope: Scope) -> SparkError | None:
        closed = self._state.maintenance
        if closed.enabled and not self._may_pass(scope):
            return MaintenanceError(
                closed.message, retry_after=closed.retry_after(datetime.now(UTC))
            )
        if self._shedder.full:
            self._metrics.shed.inc()
            return OverloadedError("try again shortly", retry_after=_spread(2.0))
        return None

    async def _unwelcome(self, scope: Scope) -> SparkError | None:
        try:
            caller = self._door.caller(scope)
        except SparkError as error:
            return error
        if caller is not None:
            exchange_of(scope).key_id = caller.key_id
            return self._count(scope, await self._limiter.hit(caller.key_id), "key")
        if self._door.policy == "refused":
            return UnauthenticatedError("send a valid key in the header X-API-Key")
        exchange_of(scope).key_id = ANONYMOUS
        decision = self._door.stranger(scope)
        return None if decision is None else self._count(scope, decision, "anonymous")

    def _count(self, scope: Scope, decision: Decision, policy: str) -> SparkError | None:
        exchange = exchange_of(scope)
        exchange.headers += _limit_headers(decision, policy)
        left = decision.remaining / decision.quota
        self._metrics.diagnostics.hit(exchange.key_id, allowed=decision.allowed, left=left)
        if decision.allowed:
            return None
        self._metrics.limited.inc()
        return RateLimitedError(
            f"{decision.quota} requests per {decision.window} s are allowed {_FOR[policy]}",
            # What ``RateLimit`` tells: each key has a window of its own, so nobody comes in step.
            retry_after=max(1.0, decision.reset),
            extra={"violated-policies": [policy]},
        )

    def _may_pass(self, scope: Scope) -> bool:
        try:
            caller = self._door.caller(scope)
        except SparkError:
            return False
        return caller is not None and caller.may_pass_maintenance


_FOR = {"key": "for a key", "anonymous": "without a key"}


def _limit_headers(decision: Decision, policy: str) -> list[tuple[bytes, bytes]]:
    # draft-ietf-httpapi-ratelimit-headers-11, and the older headers that clients know.
    d, name = decision, policy.encode()
    return [
        (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name, d.quota, d.window)),
        (b"ratelimit", b'"%b";r=%d;t=%d' % (name, d.remaining, d.reset)),
        (b"x-ratelimit-limit", b"%d" % d.quota),
        (b"x-ratelimit-remaining", b"%d" % d.remaining),
        (b"x-ratelimit-reset", b"%d" % d.reset),
    ]


def _spread(seconds: float) -> float:
    # Clients that were all refused together must not all come back together.
    return seconds * (1.0 + 0.5 * random.random())  # noqa: S311
