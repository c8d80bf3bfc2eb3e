"""Redis behind a fuse: short patience, a rest after each failure, never an exception."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from spark_app.metrics import Metrics

__all__ = ["RedisStore"]

PATIENCE = 0.5
"""Seconds that one command may take, connecting included."""
REST = 2.0
"""Seconds without a try after a failure."""
CONNECTIONS = 64
_log = logging.getLogger(__name__)


class RedisStore:
    """A few commands on one Redis.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        clock: monotonic seconds.
    """

    def __init__(
        self, url: str, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # More commands at once than connections wait for one: a burst is no failure of Redis.
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
            timeout=PATIENCE,
        )
        self.client: redis.asyncio.Redis = redis.asyncio.Redis.from_pool(pool)
        self._metrics = metrics
        self._clock = clock
        self._resting_until = 0.0
        self.latency: float | None = None

    @property
    def resting(self) -> bool:
        """Whether Redis is being left alone after a failure."""
        return self._clock() < self._resting_until

    @property
    def state(self) -> str:
        """For health: `pass`, `fail`, or `warn` before the first command."""
        if self.resting:
            return "fail"
        return "warn" if self.latency is None else "pass"

    def failed(self, error: Exception) -> None:
        """Note a failure, also one of somebody who uses the same Redis."""
        if not self.resting:
            _log.warning("Redis fails (%s); going on without it", type(error).__name__)
        self._metrics.degraded.labels("redis").inc()
        self._resting_until = self._clock() + REST

    async def get(self, key: str) -> bytes | None:
        """The value, or None: not there, or Redis isn't."""
        value = await self._try(lambda: self.client.get(key))
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value for a time, if Redis is there."""
        await self._try(lambda: self.client.set(key, value, ex=seconds))

    async def ping(self) -> None:
        """See whether it is there, for health."""
        await self._try(self.client.ping)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _try(self, command: Callable[[], Awaitable[object]]) -> object:
        if self.resting:
            return None
        started = self._clock()
        try:
            async with asyncio.timeout(2 * PATIENCE):
                value = await command()
        except (RedisError, OSError, TimeoutError) as error:
            self.failed(error)
            return None
        self.latency = self._clock() - started
        return value
