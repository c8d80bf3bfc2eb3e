"""The operator's HTTP clients: one factory, hard limits on time, size and redirects."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

MAX_CONNECTIONS: Final = 64
"""Connections of one client."""
IDLE_SECONDS: Final = 60.0
"""A tenant's client that nobody has used for so long is closed."""
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


@dataclass(slots=True)
class _Pool:
    """One tenant's client, how many use it now, and when one began to last."""

    http: httpx.AsyncClient
    used_at: float
    users: int = 0


class Pools:
    """A client for each tenant: what hangs or floods takes connections from nobody else."""

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        """``make`` gives a new client; it should be cheap."""
        self._make = make
        self._pools: OrderedDict[str, _Pool] = OrderedDict()
        """The one that was used last is at the end."""

    @asynccontextmanager
    async def of(self, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
        """Use a tenant's client; those that are idle are closed meanwhile."""
        now = asyncio.get_running_loop().time()
        await self._close_idle(now)
        pool = self._pools.get(tenant)
        if pool is None:
            pool = self._pools[tenant] = _Pool(self._make(), now)
        self._pools.move_to_end(tenant)
        pool.used_at = now
        pool.users += 1
        try:
            yield pool.http
        finally:
            pool.users -= 1

    async def aclose(self) -> None:
        """Close all clients."""
        while self._pools:
            _, pool = self._pools.popitem()
            await pool.http.aclose()

    async def __aenter__(self) -> Pools:
        """Close all clients on leaving."""
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _close_idle(self, now: float) -> None:
        idle = []
        for tenant, pool in self._pools.items():
            if now - pool.used_at <= IDLE_SECONDS:
                break
            if not pool.users:
                idle.append(tenant)
        for pool in [self._pools.pop(tenant) for tenant in idle]:
            await pool.http.aclose()
