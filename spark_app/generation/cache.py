"""Finished scripts by what was asked: in memory, and in Redis for all pods where it is configured.

Redis is never waited for longer than `PATIENCE`, and left alone for `REST` after a failure: a
cache that is down must not slow anything. Entries hold no prompt; their keys are digests.
"""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from typing import TYPE_CHECKING

from cachetools import TTLCache

from spark_app.generation.script import Script
from spark_app.jsontext import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_app.storage.redis import RedisStore
    from spark_app.telemetry.metrics import Metrics

__all__ = ["MAX_ENTRY", "ScriptCache", "cache_key"]

MAX_ENTRY = 256 * 1024
"""Bytes; a larger script is not kept."""
PREFIX = "spark:script:"
_log = logging.getLogger(__name__)


def cache_key(tenant: str, prompt: str, context: str | None, model: str | None, basis: str) -> str:
    """SHA-256 over everything that the answer depends on, and the tenant.

    `tenant` is the key id: one tenant never sees another's scripts. `basis` is whatever else shapes
    the answer: template hash, configured models, token limit.
    """
    normal = unicodedata.normalize("NFC", " ".join(prompt.split()))
    return hashlib.sha256(encode([tenant, normal, context, model, basis])).hexdigest()


class ScriptCache:
    """Two levels: memory, then Redis.

    Args:
        size: bytes of memory.
        age: seconds that an entry lives.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        redis: RedisStore | None,
        metrics: Metrics,
        *,
        size: int,
        age: float,
        clock: Callable[[], float],
    ) -> None:
        self._memory: TTLCache[str, Script] = TTLCache(
            size, age, timer=clock, getsizeof=lambda script: len(script.hit_body) * 2
        )
        self._redis = redis
        self._metrics = metrics
        self._age = age

    async def get(self, key: str) -> Script | None:
        """The script of this key, or None."""
        script = self._memory.get(key)
        if script is None and self._redis is not None:
            script = await self._shared(key)
        self._metrics.cache_result(hit=script is not None)
        return script

    async def put(self, key: str, script: Script) -> None:
        """Keep a script, unless it is too large."""
        if len(script.hit_body) > MAX_ENTRY:
            return
        self._remember(key, script)
        if self._redis is not None:
            await self._redis.set(PREFIX + key, script.hit_body, int(self._age))

    async def _shared(self, key: str) -> Script | None:
        body = await self._redis.get(PREFIX + key) if self._redis is not None else None
        if body is None or len(body) > MAX_ENTRY:
            return None
        try:
            script = Script.from_body(body)
        except (ValueError, KeyError, TypeError):
            _log.warning("an entry of the shared cache can't be read; it is made anew")
            return None
        self._remember(key, script)
        return script

    def _remember(self, key: str, script: Script) -> None:
        try:
            self._memory[key] = script
        except ValueError:
            _log.debug("a script is larger than the whole memory cache")
