"""Requests per key and time: shared through Redis, and each pod's share of it without.

The window is a sliding-window counter, in Redis that of `limits`. While Redis is away every pod
allows its part (limit / replicas), so that the sum stays what was promised, and a metric says so.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import limits
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter as SharedLimiter

from spark_app.core.window import SlidingWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_app.storage.redis import RedisStore
    from spark_app.telemetry.metrics import Metrics

__all__ = ["Decision", "RateLimiter"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may pass, and what to tell the client.

    Attributes:
        quota: requests per window.
        window: seconds.
        remaining: requests left.
        reset: seconds until there is room again.
    """

    allowed: bool
    quota: int
    window: int
    remaining: int
    reset: int


class RateLimiter:
    """One limit for every key id.

    Args:
        limit: as `limits` reads it, for example `600/minute`.
        redis: None for memory only.
        replicas: pods that share the limit while Redis is away.
        now: Unix time in seconds, as `limits` counts.
    """

    def __init__(
        self,
        limit: str,
        redis: RedisStore | None,
        metrics: Metrics,
        *,
        replicas: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._item = limits.parse(limit)
        self._window = self._item.get_expiry()
        share = max(1, math.ceil(self._item.amount / replicas))
        alone = self._item.amount if redis is None else share
        self._local = SlidingWindow(alone, self._window, now)
        self._redis = redis
        self._shared: SharedLimiter | None = None
        if redis is not None:
            # The URL only names the protocol: the connections are the store's.
            pool: Any = redis.client.connection_pool
            storage = RedisStorage(
                "async+redis://",
                implementation="redispy",
                connection_pool=pool,
            )
            self._shared = SharedLimiter(storage)
        self._metrics = metrics
        self._now = now

    async def hit(self, key_id: str) -> Decision:
        """Count one request of a key."""
        if self._shared is None or self._redis is None:
            return self._ask_local(key_id)
        shared = self._shared
        decision = await self._redis.attempt(lambda: self._ask_shared(shared, key_id))
        if decision is not None:
            return decision
        self._metrics.limits_degraded.inc()
        return self._ask_local(key_id)

    def _ask_local(self, key_id: str) -> Decision:
        count = self._local.hit(key_id)
        reset = math.ceil(count.reset)
        return Decision(count.allowed, self._item.amount, self._window, count.remaining, reset)

    async def _ask_shared(self, limiter: SharedLimiter, key_id: str) -> Decision:
        allowed = await limiter.hit(self._item, key_id)
        stats = await limiter.get_window_stats(self._item, key_id)
        reset = max(0, math.ceil(stats.reset_time - self._now()))
        remaining = max(0, int(stats.remaining))
        return Decision(allowed, self._item.amount, self._window, remaining, reset)
