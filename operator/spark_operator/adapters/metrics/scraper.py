"""Reads pods' pages over connections that are kept, and knows when it was late itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp

from spark_operator.adapters.http import PLAIN, AnswerTooLargeError, BadAnswerError
from spark_operator.concurrency.lag import LoopLag

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AT_ONCE: Final = 400
"""Pages that are read side by side; a process may have about a thousand files open."""
KEPT_SECONDS: Final = 75.0
"""How long a connection is kept: longer than any time between two looks at the same pod."""
LATE_SECONDS: Final = 0.1
"""A loop that was later than this while a page was read is to blame for its absence."""


class NotAskedError(Exception):
    """The pod was not asked in time by ourselves: its silence says nothing about it."""


class UnreachableError(Exception):
    """The pod did not answer, or not as HTTP wants it."""


class Scraper:
    """Reads pages; no redirect is followed, no proxy variable trusted, no cookie kept."""

    def __init__(self, session: aiohttp.ClientSession, lag: LoopLag) -> None:
        self._session = session
        self._lag = lag
        self._places = asyncio.Semaphore(AT_ONCE)

    async def page(self, url: str, *, seconds: float, limit: int) -> bytes:
        """GET a page within ``seconds`` in all, reading at most ``limit`` bytes of body.

        Raises:
            NotAskedError: it took too long for a reason of our own.
            TimeoutError: it took the pod too long.
            AnswerTooLargeError: the body is longer than ``limit``.
            BadAnswerError: the status is not 200.
            UnreachableError: the connection failed.
        """
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise NotAskedError(f"{url}: {AT_ONCE} others were read meanwhile") from error
        try:
            async with asyncio.timeout(seconds):
                return await self._read(url, limit)
        except TimeoutError as error:
            late = self._lag.since(began)
            if late > LATE_SECONDS:
                raise NotAskedError(f"{url}: the event loop was {late:.1f} s late") from error
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UnreachableError(f"{url}: {error}") from error
        finally:
            self._places.release()

    async def _read(self, url: str, limit: int) -> bytes:
        async with self._session.get(url, headers=PLAIN, allow_redirects=False) as response:
            if response.status != 200:
                raise BadAnswerError(f"{url} answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > limit:
                    response.close()
                    raise AnswerTooLargeError(f"{url} sent more than {limit} bytes")
            return bytes(body)


@asynccontextmanager
async def scraper(lag: LoopLag | None = None) -> AsyncIterator[Scraper]:
    """Make a scraper; ``lag`` None: the event loop is taken to be never late."""
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=KEPT_SECONDS, use_dns_cache=False, force_close=False
    )
    async with aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None),
    ) as session:
        yield Scraper(session, lag or LoopLag())
