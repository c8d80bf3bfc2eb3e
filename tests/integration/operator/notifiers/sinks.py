"""Servers that take notifications, on loopback: HTTP that behaves as told, PagerDuty's states."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class HttpSink:
    """Answers as its ``mode`` says: a status code, hang, reset, redirect or flood."""

    mode: str = "200"
    url: str = ""
    received: list[Received] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.received.append(Received(request.path, dict(request.headers), body))
        self.arrived.set()
        match self.mode:
            case "hang":
                await asyncio.Event().wait()
            case "reset":
                assert request.transport is not None
                request.transport.abort()
            case "redirect":
                raise web.HTTPTemporaryRedirect(location=f"{self.url}/elsewhere")
            case "busy":
                return web.Response(status=429, headers={"Retry-After": "17"})
            case "flood":
                return await self._flood(request)
            case _:
                pass
        return web.Response(status=int(self.mode) if self.mode.isdecimal() else 200, text="ok")

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)


@asynccontextmanager
async def http_sink(
    mode: str = "200", tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpSink]:
    """A sink on a free port, under the name ``localhost``."""
    sink = HttpSink(mode)
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", sink.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    sink.url = f"{'https' if tls else 'http'}://localhost:{port}"
    try:
        yield sink
    finally:
        await runner.cleanup()


def incidents(events: list[Received]) -> dict[str, str]:
    """What PagerDuty makes of events: the state of each incident.

    An event that acknowledges or resolves an incident that is not open changes nothing
    (https://developer.pagerduty.com/docs/events-api-v2/trigger-events/).
    """
    states: dict[str, str] = {}
    for event in events:
        key, action = event.json["dedup_key"], event.json["event_action"]
        if action == "trigger":
            states[key] = "triggered" if states.get(key) != "acknowledged" else "acknowledged"
        elif states.get(key) in ("triggered", "acknowledged"):
            states[key] = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
    return states
