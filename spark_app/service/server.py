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
import random
import resource
import signal
import time
from typing import TYPE_CHECKING, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from spark_app.core.crowd import Crowd
from spark_app.errors import BadRequestError
from spark_app.jsontext import encode
from spark_app.web.edge import OPENED
from spark_app.web.exchange import problem_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Counter

    from spark_app.service.app import SparkApp
    from spark_app.settings import Settings

_log = logging.getLogger(__name__)


SPARE_FILES = 256
"""Open files that are left for everything but clients."""

MAX_HEAD = 64 * 1024
"""Bytes of a request line with its headers; what is read at once comes on top."""

UNREAD_SECONDS = 30.0
"""Seconds for which a client may leave an answer unread."""

GRACE = 0.25
"""Seconds in which a head that came while the loop was held up is read."""


class _BoundedProtocol(HttpToolsProtocol):
    """A protocol that tells when a connection was opened, and waits for no head for long.

    A head has the time that an idle connection has, from the connection's or its own first byte.
    Who reads nothing of his answer for a while is gone.
    """

    crowd: ClassVar[Crowd[HttpToolsProtocol]]
    turned_away: ClassVar[Counter]
    release: ClassVar[str]
    _opened = 0.0
    _idle_since = 0.0
    _unread: asyncio.TimerHandle | None = None
    _head_began: float | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._opened = self._head_began = time.monotonic()
        super().connection_made(transport)
        self._close_in(self.timeout_keep_alive)
        leaving = self.crowd.enter(self)
        if leaving is not None:
            self.turned_away.inc()
            leaving.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        self._read_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # What has begun within this piece is not counted: it may hold a body's end as well.
        self._head_bytes += len(data) if self._head_began is not None else 0
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_began is None:
            # An empty line begins no head; uvicorn has taken it for one.
            if self.cycle.response_complete and not self.pipeline:
                self._close_in(self._idle_since + self.timeout_keep_alive - time.monotonic())
            return
        if self._head_bytes > MAX_HEAD:
            self.send_400_response(f"send a head of at most {MAX_HEAD} bytes")
        else:
            self._close_in(self._head_began + self.timeout_keep_alive - time.monotonic())

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as every other mistake is answered, and close."""
        request_id = f"{random.getrandbits(64):016x}"
        document = problem_document(BadRequestError(msg), request_id)
        body = encode(document)
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-spark-release: {self.release}\r\n"
            f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_began, self._head_bytes = time.monotonic(), 0
        self.scope["state"][OPENED] = self._opened

    def on_headers_complete(self) -> None:
        self._head_began = None
        self.crowd.known(self)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self._idle_since = time.monotonic()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_on()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_on()

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _close_in(self, seconds: float) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(max(0.0, seconds), self._give_up)

    def _give_up(self) -> None:
        # A loop that was held up runs its timers before it reads what has long been there.
        self.timeout_keep_alive_task = self.loop.call_later(GRACE, self.timeout_keep_alive_handler)


class DrainingServer(uvicorn.Server):
    """A server that goes on accepting for a while after it was told to stop."""

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
        """Answer with ``Connection: close`` from now on, and stop after the time to accept."""
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
        SystemExit: the port cannot be had (the log says why).
    """
    # The SDKs' hundred thousand objects live as long as the process: unfrozen, each full collection
    # walks them all while every request waits.
    gc.collect()
    gc.freeze()
    make_server(app, settings).run()


def _protocol(app: SparkApp, most: int) -> type[_BoundedProtocol]:
    class Protocol(_BoundedProtocol):
        crowd = Crowd(most)
        turned_away = app.metrics.turned_away
        release = app.settings.release

    app.metrics.watch_connections(Protocol.crowd)
    return Protocol


def _most_connections(wanted: int) -> int:
    # Files, pipes and the connections to others need some as well.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return max(1, min(wanted, soft - SPARE_FILES))


def make_server(app: SparkApp, settings: Settings) -> DrainingServer:
    """Return the server, not yet running."""
    # The log's own line names the release; uvicorn's access log would cost a line a request.
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=_protocol(app, _most_connections(settings.max_connections)),
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
