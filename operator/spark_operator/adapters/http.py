"""The operator's HTTP clients: one factory, hard limits on time, size and redirects."""

from __future__ import annotations

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
    """A client that follows no redirect, trusts no proxy variable, and pools its connections.

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
