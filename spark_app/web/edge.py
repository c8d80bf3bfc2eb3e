"""The outermost layer: names the release, numbers requests, ends connections, answers `/livez`."""

from __future__ import annotations

import random
import re
import time
from typing import TYPE_CHECKING

from spark_app.web.exchange import KEY, Exchange, header, send_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from spark_app.live.lifecycle import Lifecycle
    from spark_app.telemetry.metrics import Attempt

__all__ = ["OPENED", "Edge"]

OPENED = "connection_opened"
"""Where the server puts the connection's start (monotonic seconds) in the scope's `state`."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TEXT = b"text/plain; charset=utf-8"


class Edge:
    """Pure ASGI middleware around everything.

    Args:
        release: value of `X-Spark-Release` on every response.
        connection_age: seconds after which a connection is closed behind its next response.
        clock: monotonic seconds, the same clock as the server's.
    """

    def __init__(
        self,
        app: ASGIApp,
        lifecycle: Lifecycle,
        *,
        release: str,
        connection_age: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self._release = (b"x-spark-release", release.encode())
        self._connection_age = connection_age
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(request_id=_request_id(scope), attempt=_attempt(scope))
        scope[KEY] = exchange
        request_id = (b"x-request-id", exchange.request_id.encode())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), self._release, request_id]
                if self._ends(scope):
                    headers.append((b"connection", b"close"))
                message["headers"] = headers
            await send(message)

        if scope["path"] == "/livez" and scope["method"] == "GET":
            await send_bytes(named, 200, _TEXT, b"ok\n")
            return
        await self._app(scope, receive, named)

    def _ends(self, scope: Scope) -> bool:
        if self._lifecycle.draining:
            return True
        opened = scope.get("state", {}).get(OPENED)
        return opened is not None and self._clock() - opened >= self._connection_age


def _request_id(scope: Scope) -> str:
    given = header(scope, b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given
    return f"{random.getrandbits(64):016x}"


def _attempt(scope: Scope) -> Attempt:
    for name in (b"x-retry-count", b"x-stainless-retry-count"):
        count = header(scope, name)
        if count is not None and count.isascii() and count.isdigit() and count.strip("0"):
            return "retry"
    return "first"
