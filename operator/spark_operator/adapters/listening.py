"""Ports that strangers reach: bounded in connections, and in the time that a request's head takes.

aiohttp waits for a head without end. Here a connection that waits for one is closed after a while,
and where there are too many, the one that has waited longest makes room: whoever sends a request at
once, as a probe does, is always served.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEAD_SECONDS: Final = 10.0
"""Longest time from a connection, or from the last answer on it, to a request's whole head."""
HANDSHAKE_SECONDS: Final = 5.0
MAX_CONNECTIONS: Final = 1_536
"""More than a burst of alerts, and less than the memory of a pod can hold."""


class _Connection(asyncio.Protocol):
    """One connection, whose bytes go to aiohttp's own protocol."""

    def __init__(self, gate: Gate, inner: web.RequestHandler) -> None:
        self._gate = gate
        self.inner = inner
        self.transport: asyncio.Transport | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.inner.connection_made(transport)
        self._gate.enter(self)

    def data_received(self, data: bytes) -> None:
        self.inner.data_received(data)

    def eof_received(self) -> None:
        self.inner.eof_received()

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._gate.leave(self)
        self.inner.connection_lost(exc)


class Gate:
    """A listening port of one application."""

    def __init__(
        self,
        application: web.Application,
        *,
        seconds: float = HEAD_SECONDS,
        most: int = MAX_CONNECTIONS,
    ) -> None:
        """Make a gate that does not listen yet; ``seconds`` and ``most`` are its bounds."""

        @web.middleware
        async def busy(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._busy(request, handler)

        application.middlewares.append(busy)
        # What is compressed is not unpacked: nobody sends us such a thing.
        self._runner = web.AppRunner(
            application, access_log=None, auto_decompress=False, shutdown_timeout=1.0
        )
        self._seconds = seconds
        self._most = most
        self._server: asyncio.Server | None = None
        self._all: dict[object, _Connection] = {}
        """By aiohttp's protocol, which a request names."""
        self._waiting: OrderedDict[_Connection, None] = OrderedDict()
        """Those that owe a head; the one that has waited longest is first."""

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._all)

    async def start(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Begin to serve on all addresses.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        timeout = HANDSHAKE_SECONDS if tls else None
        self._server = await loop.create_server(
            self._connection, None, port, ssl=tls, ssl_handshake_timeout=timeout, backlog=1024
        )

    async def stop(self) -> None:
        """Stop serving, and close every connection."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
        for connection in tuple(self._all.values()):
            _close(connection)

    def enter(self, connection: _Connection) -> None:
        """Count a connection, and make room for it."""
        self._all[connection.inner] = connection
        self._wait(connection)
        while len(self._all) > self._most and self._waiting:
            oldest, _ = self._waiting.popitem(last=False)
            self.leave(oldest)
            _close(oldest)

    def leave(self, connection: _Connection) -> None:
        """Forget a connection."""
        self._act(connection)
        self._all.pop(connection.inner, None)

    def _connection(self) -> _Connection:
        server = self._runner.server
        if server is None:
            raise RuntimeError("the application is not set up")
        return _Connection(self, server())

    def _wait(self, connection: _Connection) -> None:
        self._waiting[connection] = None
        loop = asyncio.get_running_loop()
        connection.timer = loop.call_later(self._seconds, _close, connection)

    def _act(self, connection: _Connection) -> None:
        self._waiting.pop(connection, None)
        if connection.timer is not None:
            connection.timer.cancel()

    async def _busy(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Run a handler, during which the connection owes nothing."""
        connection = self._all.get(request.protocol)
        if connection is None:
            return await handler(request)
        self._act(connection)
        try:
            return await handler(request)
        finally:
            if connection.inner in self._all:
                self._wait(connection)


def _close(connection: _Connection) -> None:
    if connection.transport is not None:
        connection.transport.abort()
