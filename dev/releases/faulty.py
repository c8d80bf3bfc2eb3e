"""Bad releases: the service with a fault inside its own counting, set by the image's environment.

``python -m dev.releases.faulty`` serves like ``python -m spark_app``; the variables of
:class:`Faults` say what is wrong with it.  Without any it is a good release.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
import threading
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from spark_app.service.app import create_app
from spark_app.service.server import serve
from spark_app.settings import Settings, SettingsError, load_settings
from spark_app.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

CRASHED = 70
"""Exit status of a crash."""
SWITCH = "/fault"
"""Path that lets the faults of a switched release begin; its answer is 204."""
Seconds = Annotated[float, Field(ge=0, le=3600)]

_log = logging.getLogger(__name__)


class Faults(BaseSettings):
    """What is wrong with this release; times in seconds.

    ``FAULT_RATE`` of the calls to ``FAULT_PATH`` are answered with ``FAULT_STATUS``; all of them
    take ``FAULT_LATENCY`` longer.  ``FAULT_CRASH_AFTER`` ends the process that long after its start
    (0: never), ``FAULT_NEVER_READY`` keeps the readiness probe failing, and ``FAULT_PROVIDER_URL``
    sends calls to a wrong provider, so that the circuit breakers open.  With ``FAULT_SWITCHED``
    failures and latency wait until somebody POSTs to :data:`SWITCH`: what breaks late.
    """

    model_config = SettingsConfigDict(env_prefix="FAULT_", env_ignore_empty=True, frozen=True)

    path: str = "/api/spark/generate"
    rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    status: Annotated[int, Field(ge=500, le=599)] = 500
    latency: Seconds = 0.0
    crash_after: Seconds = 0.0
    never_ready: bool = False
    switched: bool = False
    provider_url: Annotated[str, Field(pattern="^https?://")] | None = None


class Fault:
    """ASGI middleware that answers in the application's place, as often as ``faults`` wants."""

    def __init__(self, app: ASGIApp, faults: Faults, rng: random.Random) -> None:
        self._app = app
        self._faults = faults
        self._rng = rng
        self._on = not faults.switched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do it."""
        faults = self._faults
        if scope["path"] == "/readyz" and faults.never_ready:
            await _fail(send, 503)
            return
        if scope["path"] == SWITCH and faults.switched:
            self._on = True
            await _empty(send)
            return
        if scope["path"] == faults.path and self._on:
            await asyncio.sleep(faults.latency)
            if self._rng.random() < faults.rate:
                await _fail(send, faults.status)
                return
        await self._app(scope, receive, send)


def misled(settings: Settings, faults: Faults) -> Settings:
    """Return the settings with the wrong provider's address where ``faults`` names one."""
    if faults.provider_url is None:
        return settings
    wrong = {"anthropic_base_url": faults.provider_url, "openai_base_url": faults.provider_url}
    return settings.model_copy(update=wrong)


def main() -> int:
    """Serve the bad release until a signal, or its own fault, ends it."""
    faults = Faults()
    try:
        settings = misled(load_settings(), faults)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    configure_logging(settings.log_level, settings.release)
    if faults.crash_after:
        timer = threading.Timer(faults.crash_after, _crash)
        timer.daemon = True
        timer.start()
    serve(
        create_app(settings, inner_middleware=[lambda app: Fault(app, faults, random.Random())]),  # noqa: S311
        settings,
    )
    return 0


def _crash() -> None:
    _log.error("this release crashes now, as FAULT_CRASH_AFTER wants it")
    os._exit(CRASHED)


async def _empty(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _fail(send: Send, status: int) -> None:
    problem = {"title": "Internal error", "status": status, "detail": "a fault of this release"}
    body = json.dumps(problem).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    sys.exit(main())
