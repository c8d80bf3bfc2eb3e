"""The HTTP server: uvicorn with a drain that loses no request.

A server that stops listening on SIGTERM loses what arrives before the endpoints' removal has
reached every node. This one goes on accepting, tells each client to come back on a new
connection, and only then stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spark_app.web.edge import OPENED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_app.app import SparkApp
    from spark_app.settings import Settings

__all__ = ["DrainingServer", "make_server", "serve"]

_log = logging.getLogger(__name__)


class _AgedProtocol(HttpToolsProtocol):
    """Tells the application when each connection was opened."""

    _opened = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._opened = time.monotonic()
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][OPENED] = self._opened


class DrainingServer(uvicorn.Server):
    """Goes on accepting for a while after it was told to stop."""

    def __init__(self, config: uvicorn.Config, app: SparkApp, accept_seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._accept_seconds = accept_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on SIGTERM and SIGINT."""
        # uvicorn raises the signal again behind the shutdown; a drained process exits with 0.
        loop = asyncio.get_running_loop()
        handled = (signal.SIGTERM, signal.SIGINT)
        for number in handled:
            loop.add_signal_handler(number, self.begin_drain)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    def begin_drain(self) -> None:
        """Answer with `Connection: close` from now on, and stop after the time to accept."""
        if self._app.lifecycle.draining:
            return
        _log.info("draining: accepting for %.1f s more", self._accept_seconds)
        self._app.lifecycle.draining = True
        asyncio.get_running_loop().call_later(self._accept_seconds, self._stop)

    def _stop(self) -> None:
        self.should_exit = True


def serve(app: SparkApp, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, drain, and return.

    Raises:
        SystemExit: the port can't be had (the log says why).
    """
    # The SDKs' hundred thousand objects live as long as the process: unfrozen, each full collection
    # walks them all while every request waits.
    gc.collect()
    gc.freeze()
    make_server(app, settings).run()


def make_server(app: SparkApp, settings: Settings) -> DrainingServer:
    """The server, not yet running."""
    # The log's own line names the release; uvicorn's access log would cost a line a request.
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=_AgedProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=max(1, int(settings.drain_bound - settings.drain_accept)),
        backlog=2048,
    )
    return DrainingServer(config, app, settings.drain_accept)
