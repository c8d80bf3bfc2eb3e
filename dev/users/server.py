"""The users' control surface.

``GET /results?since=N`` pages through results as JSON lines (the next page starts after the last
line's ``seq``), ``GET /summary`` accounts for all that the ring holds, ``POST /control`` takes
``{"rate": 50, "running": false}``, ``GET /livez`` answers ``ok``.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dev.users.results import PAGE, Ring, summary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from dev.users.load import Load

MAX_RATE = 500.0
"""Requests per second that one process may be told to send."""
MAX_CONTROL = 4096


class Control(BaseModel):
    """What can be changed while users are at work; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    rate: Annotated[float, Field(ge=0, le=MAX_RATE)] | None = None
    running: bool | None = None


class Surface:
    """A server that shows results and takes orders."""

    def __init__(self, load: Load, ring: Ring) -> None:
        self._load = load
        self._ring = ring

    async def results(self, request: Request) -> Response:
        """Page through the results after ``since``, at most ``limit`` (5000) of them."""
        try:
            since = int(request.query_params.get("since", "0"))
            limit = int(request.query_params.get("limit", str(PAGE)))
        except ValueError:
            return PlainTextResponse("since and limit are whole numbers\n", 400)
        page = self._ring.since(max(0, since), min(max(1, limit), PAGE))
        return PlainTextResponse("".join(f"{result.line()}\n" for result in page))

    async def summary(self, _: Request) -> Response:
        """Account for the results that the ring holds."""
        every = summary(self._ring.since(0, len(self._ring)))
        return JSONResponse(self._state() | every)

    async def control(self, request: Request) -> Response:
        """Change the rate, start or stop; answers with the state."""
        body = await _limited(request)
        try:
            order = Control.model_validate_json(body)
        except ValidationError as error:
            return Response(error.json(include_url=False), 422, media_type="application/json")
        if order.rate is not None:
            self._load.rate = order.rate
        if order.running is not None:
            self._load.running = order.running
        return JSONResponse(self._state())

    def _state(self) -> dict[str, float | bool]:
        load = self._load
        return {
            "rate": load.rate,
            "running": load.running,
            "sent": load.sent,
            "unsent": load.unsent,
            "inflight": load.inflight,
            "last": self._ring.last,
        }


def create_app(load: Load, ring: Ring) -> Starlette:
    """Make the ASGI application; its lifespan runs the load."""
    surface = Surface(load, ring)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(load.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/results", surface.results, methods=["GET"]),
            Route("/summary", surface.summary, methods=["GET"]),
            Route("/control", surface.control, methods=["POST"]),
            Route("/livez", _live, methods=["GET"]),
        ],
    )


async def _live(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _limited(request: Request) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_CONTROL:
            break
    return bytes(data)
