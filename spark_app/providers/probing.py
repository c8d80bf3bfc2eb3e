"""Asks a provider whose breaker is half open, so that its state is left without users' calls.

A standby gets none while the preferred provider answers, and would stay half open for good. The
question is the cheapest there is: a few words in, one token out, one at a time for a provider.
Whatever a provider answers that is not a fault of its own shows that it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from spark_app.core.breaker import BreakerOpenError, BreakerState
from spark_app.core.completion import ChatTurn, CompletionRequest, FailureKind, ProviderFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from spark_app.core.breaker import Permit
    from spark_app.providers.gateway import Gateway
    from spark_app.providers.pool import Pool
    from spark_app.providers.port import ProviderPort
    from spark_app.telemetry.metrics import Metrics

PATIENCE = 10.0
"""Seconds for one answer."""
_QUESTION = CompletionRequest(
    system="Answer with one word.", turns=(ChatTurn("user", "ok?"),), max_tokens=1
)
_NOTHING_LEARNED = frozenset({FailureKind.RATE_LIMITED, FailureKind.UNAUTHORIZED})
_log = logging.getLogger(__name__)


class Prober:
    """Looks at every breaker again and again, and asks where one is half open.

    Args:
        interval: seconds between two looks, on average.
        chance: uniform numbers in [0, 1), so that pods do not ask in step.
        pause: waits for some seconds.
    """

    def __init__(
        self,
        gateway: Gateway,
        metrics: Metrics,
        *,
        interval: float,
        chance: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._interval = interval
        self._chance = chance
        self._pause = pause

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self._pause(self._interval * (0.5 + self._chance()))
            try:
                await self.look()
            except Exception:
                # A defect must not end the watch: it would leave a standby half open for good.
                _log.exception("a provider could not be asked whether it is back")

    async def look(self) -> None:
        """Ask each provider that is half open, side by side, once."""
        waiting = [
            pool
            for name, pool in self._gateway.pools.items()
            if self._gateway.breaker_state(name) is BreakerState.HALF_OPEN and pool.usable
        ]
        await asyncio.gather(*(self._ask(pool) for pool in waiting))

    async def _ask(self, pool: Pool) -> None:
        with contextlib.suppress(BreakerOpenError, ProviderFailure):
            permit = pool.breaker.admit()
            try:
                result = await self._answer(pool, pool.port(), permit)
            finally:
                permit.release()
            self._metrics.probes.labels(pool.name, result).inc()
            _log.info("asked %s whether it is back: %s", pool.name, result)

    async def _answer(self, pool: Pool, port: ProviderPort, permit: Permit) -> str:
        model = self._gateway.routing.models.get(pool.name)
        try:
            async with asyncio.timeout(PATIENCE):
                await port.complete(_QUESTION.with_model(model))
        except TimeoutError:
            failure = ProviderFailure(FailureKind.TIMEOUT, f"no answer in {PATIENCE:g} s")
        except ProviderFailure as told:
            failure = told
        else:
            permit.success()
            return "passed"
        if failure.counts_against_provider:
            permit.failure()
            self._metrics.breaker_failures.labels(pool.name).inc()
            return "failed"
        if failure.kind in _NOTHING_LEARNED:
            pool.note(port, failure)
            return "none"
        permit.success()
        return "passed"
