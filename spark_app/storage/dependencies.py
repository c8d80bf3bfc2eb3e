"""Redis, PostgreSQL and NATS: what is configured, whether it is there, and what depends on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from spark_app.delivery.outbox import Outbox
from spark_app.storage.redis import RedisStore

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine
    from sqlalchemy.pool import QueuePool

    from spark_app.delivery.nats import NatsPublisher
    from spark_app.delivery.records import Record
    from spark_app.settings import Settings
    from spark_app.telemetry.metrics import Metrics

__all__ = ["Dependencies"]

PING_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Dependencies:
    """Built from the settings; what isn't configured isn't there."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._required = frozenset(settings.required)
        self._metrics = metrics
        self.redis: RedisStore | None = None
        self._engine: AsyncEngine | None = None
        self._nats: NatsPublisher | None = None
        self.outboxes: list[Outbox[Record]] = []
        self._database_up: bool | None = None
        if url := settings.redis_url:
            self.redis = RedisStore(url.get_secret_value(), metrics)
        if url := settings.database_url:
            # SQLAlchemy and the NATS client cost start-up time: only whoever uses them pays.
            from spark_app.storage.database import DatabaseWriter, connect  # noqa: PLC0415

            self._engine = connect(url.get_secret_value())
            self.outboxes.append(Outbox("database", DatabaseWriter(self._engine), metrics))
            self._watch_pool(self._engine)
        if url := settings.nats_url:
            from spark_app.delivery.nats import NatsPublisher  # noqa: PLC0415

            self._nats = NatsPublisher(url.get_secret_value())
            self.outboxes.append(Outbox("nats", self._nats, metrics))

    def checks(self) -> dict[str, dict[str, object]]:
        """One entry for the health endpoint for each that is configured."""
        found: dict[str, dict[str, object]] = {}
        if self.redis is not None:
            latency = self.redis.latency
            found["redis"] = {
                "status": self.redis.state,
                "required": "redis" in self._required,
                "latency_ms": None if latency is None else round(latency * 1000.0, 2),
            }
        for outbox in self.outboxes:
            down = outbox.failing or (outbox.name == "database" and self._database_up is False)
            found[outbox.name] = {
                "status": "fail" if down else "pass",
                "required": outbox.name in self._required,
                "waiting": outbox.waiting,
                "dropped": outbox.dropped,
            }
        return found

    def missing(self) -> list[str]:
        """The required ones that are down."""
        if not self._required:
            return []
        return [
            name
            for name, check in self.checks().items()
            if check["required"] and check["status"] == "fail"
        ]

    async def run(self) -> None:
        """Look at Redis and PostgreSQL now and then, so that health knows without traffic."""
        while self.redis is not None or self._engine is not None:
            if self.redis is not None:
                await self.redis.ping()
            if self._engine is not None:
                await self._ping_database(self._engine)
            await asyncio.sleep(PING_SECONDS)

    async def close(self) -> None:
        """Deliver what is left, and close everything."""
        await asyncio.gather(*(outbox.flush(2.0) for outbox in self.outboxes))
        if self._nats is not None:
            await self._nats.close()
        if self._engine is not None:
            with contextlib.suppress(Exception):
                await self._engine.dispose()
        if self.redis is not None:
            await self.redis.close()

    async def _ping_database(self, engine: AsyncEngine) -> None:
        try:
            async with asyncio.timeout(3.0), engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except Exception as error:
            if self._database_up is not False:
                _log.warning("PostgreSQL fails (%s); going on without it", type(error).__name__)
            self._metrics.degraded.labels("database").inc()
            self._database_up = False
        else:
            self._database_up = True

    def _watch_pool(self, engine: AsyncEngine) -> None:
        pool: QueuePool = engine.pool  # type: ignore[assignment]
        gauge = self._metrics.pool
        gauge.labels("size").set_function(lambda: float(pool.size()))
        gauge.labels("in_use").set_function(lambda: float(max(0, pool.checkedout())))
        gauge.labels("idle").set_function(lambda: float(max(0, pool.checkedin())))
        # As many as stay open may come and go beside them (`connect`).
        gauge.labels("max").set(2 * pool.size())
        gauge.labels("overflow").set_function(lambda: float(max(0, pool.overflow())))
