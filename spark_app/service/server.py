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

    from spark_app.service.app import SparkApp
    from spark_app.settings import Settings

__all__ = ["DrainingServer", "make_server", "serve"]

_log = logging.getLogger(__name__)


MAX_HEAD = 64 * 1024
"""Bytes of a request line with its headers; what is read at once comes on top."""

GRACE = 0.25
"""Seconds in which a head that came while the loop was held up is read."""


class _BoundedProtocol(HttpToolsProtocol):
    """Tells the application when each connection was opened, and waits for no head for long.

    A head has the time that an idle connection has, from the connection's or its own first byte.
    """

    _opened = 0.0
    _head_began: float | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._opened = self._head_began = time.monotonic()
        super().connection_made(transport)
        self._close_in(self.timeout_keep_alive)

    def data_received(self, data: bytes) -> None:
        # What has begun within this piece is not counted: it may hold a body's end as well.
        self._head_bytes += len(data) if self._head_began is not None else 0
        super().data_received(data)
        if self._head_began is None or self.transport.is_closing():
            return
        if self._head_bytes > MAX_HEAD:
            self.send_400_response(f"send a head of at most {MAX_HEAD} bytes")
        else:
            self._close_in(self._head_began + self.timeout_keep_alive - time.monotonic())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_began, self._head_bytes = time.monotonic(), 0
        self.scope["state"][OPENED] = self._opened

    def on_headers_complete(self) -> None:
        self._head_began = None
        super().on_headers_complete()

    def _close_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(max(0.0, seconds), self._give_up)

    def _give_up(self) -> None:
        # A loop that was held up runs its timers before it reads what has long been there.
        self.timeout_keep_alive_task = self.loop.call_later(GRACE, self.timeout_keep_alive_handler)


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
        http=_BoundedProtocol,
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
