"""A small HTTP/1.1 client that shows what a user's connection goes through, and hides nothing.

General clients retry, pool and wrap errors in their own ways; here each request uses one connection
once, and each way that it can fail has a name.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from dataclasses import dataclass
from typing import cast

import httptools

MAX_BODY = 4_194_304
"""Bytes of an answer's body; larger ones fail as ``protocol``."""


class UserError(Exception):
    """A request that got no whole answer; the message is the class of the failure.

    One of ``refused``, ``connect_timeout``, ``dns``, ``connect`` (no connection), ``reset``,
    ``closed`` (no answer), ``truncated``, ``protocol`` (a broken answer), ``timeout``.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status, the release that it names ('' for none), and if the connection lives."""

    status: int
    release: str
    keep_alive: bool


class Connection(asyncio.Protocol):
    """One TCP connection that carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._release = ""
        self._received = 0
        self.open = False
        self.idle_since = 0.0

    async def request(self, data: bytes) -> Answer:
        """Send a request and wait for its answer; raises UserError."""
        self._parser = httptools.HttpResponseParser(self)
        self._release, self._received = "", 0
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None or not self.open:
            raise UserError("closed")
        self._transport.write(data)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """Drop the connection, whatever it is doing."""
        self.open = False
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        # uvloop's transports do not derive from asyncio's, so this cannot be asked at run time
        self._transport, self.open = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._received += len(data)
        if self._answer is None or self._received > MAX_BODY or not self._feed(data):
            self._fail("protocol")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that was under way, by how far it had come."""
        self.open = False
        if self._received:
            self._fail("truncated")
        else:
            self._fail("reset" if isinstance(exc, OSError) else "closed")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take the release's name from the answer's headers."""
        if name.lower() == b"x-spark-release":
            self._release = value.decode("latin-1")[:64]

    def on_message_complete(self) -> None:
        """Hand the answer to who waits for it."""
        status = self._parser.get_status_code()
        if status >= 200 and self._answer and not self._answer.done():
            self._answer.set_result(Answer(status, self._release, self._parser.should_keep_alive()))

    def _feed(self, data: bytes) -> bool:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            return False
        return True

    def _fail(self, kind: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(UserError(kind))


class Client:
    """A sender to one address, over fresh connections or over a few that are kept alive.

    Kept connections are used in turn, so that all of them stay warm; one that was idle for
    ``idle_limit`` seconds is closed by us, before a server that does the same can race with a
    request.  Times are in seconds.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout: float = 3.0,
        timeout: float = 30.0,
        pool: int = 32,
        idle_limit: float = 2.0,
    ) -> None:
        self._address = (host, port)
        self._connect_timeout = connect_timeout
        self._timeout = timeout
        self._idle_limit = idle_limit
        self._idle: deque[Connection] = deque(maxlen=pool)
        self._open: set[Connection] = set()

    @property
    def idle(self) -> int:
        """Count the kept connections that wait for a request."""
        return len(self._idle)

    async def send(self, data: bytes, *, keep: bool) -> Answer:
        """Send one request, once; raises UserError."""
        try:
            async with asyncio.timeout(self._timeout):
                connection = (self._reuse() if keep else None) or await self._dial()
                try:
                    answer = await connection.request(data)
                except BaseException:
                    self._drop(connection)
                    raise
        except TimeoutError:
            raise UserError("timeout") from None
        self._settle(connection, keep=keep and answer.keep_alive)
        return answer

    def close(self) -> None:
        """Drop every connection."""
        for connection in list(self._open):
            self._drop(connection)
        self._idle.clear()

    def _reuse(self) -> Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.popleft()
            if connection.open and now - connection.idle_since < self._idle_limit:
                return connection
            self._drop(connection)
        return None

    async def _dial(self) -> Connection:
        loop = asyncio.get_running_loop()
        looked_up = False
        try:
            async with asyncio.timeout(self._connect_timeout):
                host, port = self._address
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                looked_up = True
                _, connection = await loop.create_connection(Connection, *found[0][4][:2])
        except TimeoutError:
            raise UserError("connect_timeout" if looked_up else "dns") from None
        except ConnectionRefusedError:
            raise UserError("refused") from None
        except socket.gaierror:
            raise UserError("dns") from None
        except OSError:
            raise UserError("connect") from None
        self._open.add(connection)
        return connection

    def _settle(self, connection: Connection, *, keep: bool) -> None:
        if not (keep and connection.open and len(self._idle) < (self._idle.maxlen or 0)):
            self._drop(connection)
            return
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        connection.close()
