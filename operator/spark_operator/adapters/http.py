"""The operator's HTTP clients: one factory, hard limits on time, size and redirects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    import ssl

MAX_CONNECTIONS: Final = 200
PLAIN: Final = {"Accept-Encoding": "identity"}
"""Nothing is unpacked: a few compressed bytes could become gigabytes."""


class AnswerTooLargeError(Exception):
    """A peer sent more than it may; the rest was not read."""


class BadAnswerError(Exception):
    """A peer answered with something other than success."""


def client(tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """Return a client that follows no redirect, uses no proxy variable, and pools connections.

    Servers' certificates are checked by ``tls``, else by the authorities that httpx brings.
    """
    limits = httpx.Limits(
        max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS
    )
    return httpx.AsyncClient(
        verify=tls or True,
        follow_redirects=False,
        trust_env=False,
        limits=limits,
        timeout=None,  # noqa: S113 - every use is bounded by its caller
    )


async def fetch(http: httpx.AsyncClient, url: str, *, seconds: float, limit: int) -> bytes:
    """Fetch a URL within ``seconds`` in all, reading at most ``limit`` bytes of body.

    Raises:
        TimeoutError: the whole did not fit in the time.
        AnswerTooLargeError: the body is longer than ``limit``.
        BadAnswerError: the status is not 200.
        httpx.HTTPError: the connection failed.
    """
    async with asyncio.timeout(seconds), http.stream("GET", url, headers=PLAIN) as response:
        if response.status_code != 200:
            raise BadAnswerError(f"{url} answered {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                raise AnswerTooLargeError(f"{url} sent more than {limit} bytes")
        return bytes(body)
