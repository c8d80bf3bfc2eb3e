"""Redis behind a fuse: short patience, a rest after each failure, never an exception."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from spark_app.telemetry.metrics import Metrics

    T = TypeVar("T")

__all__ = ["RedisStore"]

PATIENCE = 0.5
"""Seconds that one answer may take; twice that a command, connecting included."""
REST = 2.0
"""Seconds without a try after a failure."""
CONNECTIONS = 16
"""Commands at once. Redis answers in well under a millisecond: more would only wait longer."""
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
        # A connection that a restarted Redis has closed shows it at its first use only. A command
        # that never arrived is sent once more; one that hangs is not.
        pool = redis.asyncio.ConnectionPool.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
            max_connections=CONNECTIONS,
        )
        self.client: redis.asyncio.Redis = redis.asyncio.Redis.from_pool(pool)
        self._metrics = metrics
        self._clock = clock
        self._lanes = asyncio.Semaphore(CONNECTIONS)
        self._resting_until = 0.0
        self._failing = False
        self.latency: float | None = None

    @property
    def resting(self) -> bool:
        """Whether Redis is being left alone after a failure."""
        return self._clock() < self._resting_until

    @property
    def state(self) -> str:
        """For health: `fail` from a failure to the next success, `warn` before any command."""
        if self._failing:
            return "fail"
        return "warn" if self.latency is None else "pass"

    async def get(self, key: str) -> bytes | None:
        """The value, or None: not there, or Redis isn't."""
        value = await self.attempt(lambda: self.client.get(key))
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value for a time, if Redis is there."""
        await self.attempt(lambda: self.client.set(key, value, ex=seconds))

    async def ping(self) -> None:
        """See whether it is there, for health."""
        await self.attempt(self.client.ping)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def attempt(self, command: Callable[[], Awaitable[T]]) -> T | None:
        """What a command on `client` gives, or None: Redis fails, or is being left alone.

        A burst waits for its turn here and not for Redis: that is no failure of it.
        """
        async with self._lanes:
            if self.resting:
                return None
            started = self._clock()
            try:
                async with asyncio.timeout(2 * PATIENCE):
                    value = await command()
            except (RedisError, OSError, TimeoutError) as error:
                self._note_failure(error)
                return None
            self.latency = self._clock() - started
            self._failing = False
            return value

    def _note_failure(self, error: Exception) -> None:
        if not self._failing:
            _log.warning("Redis fails (%s); going on without it", type(error).__name__)
        self._metrics.degraded.labels("redis").inc()
        self._failing = True
        self._resting_until = self._clock() + REST
