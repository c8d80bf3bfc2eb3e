"""A receiver of notifications: takes every POST and remembers it.

``GET /received?since=N`` pages through what came as JSON lines ``{"seq", "at", "path", "key",
"body"}`` (``key`` is the header ``Idempotency-Key``); ``GET /livez`` answers ``ok``.
"""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY = 65_536
"""Bytes of one notification that are read."""
MAX_KEPT = 2000


class Sink:
    """What came, the newest ``MAX_KEPT`` of it."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, str]] = deque(maxlen=MAX_KEPT)
        self._last = 0

    async def take(self, request: Request) -> Response:
        """Take a notification; 413 when it is too long."""
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > MAX_BODY:
                return PlainTextResponse("too long\n", 413)
        self._last += 1
        line = {
            "seq": self._last,
            "at": time.time(),
            "path": request.url.path,
            "key": request.headers.get("idempotency-key", ""),
            "body": data.decode(errors="replace"),
        }
        self._kept.append((self._last, json.dumps(line)))
        return PlainTextResponse("taken\n", 202)

    async def received(self, request: Request) -> Response:
        """Return what came after ``since``, oldest first."""
        try:
            since = int(request.query_params.get("since", "0"))
        except ValueError:
            return PlainTextResponse("since is a whole number\n", 400)
        return PlainTextResponse("".join(f"{line}\n" for seq, line in self._kept if seq > since))


def create_app() -> Starlette:
    """Make the ASGI application."""
    sink = Sink()
    return Starlette(
        routes=[
            Route("/received", sink.received, methods=["GET"]),
            Route("/livez", _live, methods=["GET"]),
            Route("/{path:path}", sink.take, methods=["POST"]),
        ]
    )


async def _live(_: Request) -> Response:
    return PlainTextResponse("ok\n")
