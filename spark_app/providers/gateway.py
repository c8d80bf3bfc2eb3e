"""Gets an answer out of the providers: in order, within one deadline, with few repetitions.

One attempt per provider, and one more where no other provider is left, if the budget of retries
allows it. A stream may move to the next provider only before its first piece.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from spark_app.core.breaker import BreakerOpenError, BreakerState
from spark_app.core.budget import RetryBudget
from spark_app.core.completion import Completion, FailureKind, ProviderFailure
from spark_app.core.routing import attempt_limit
from spark_app.errors import (
    ModelRejectedError,
    ProviderBadOutputError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    SparkError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from spark_app.core.breaker import Permit
    from spark_app.core.completion import CompletionRequest
    from spark_app.core.provider import Provider
    from spark_app.core.routing import Routing
    from spark_app.providers.pool import Pool
    from spark_app.providers.port import ProviderPort
    from spark_app.telemetry.metrics import Metrics, Outcome
    from spark_app.telemetry.tracing import Tracing

__all__ = ["Gateway", "ProviderRoute"]

BACKOFF = 0.25
"""Seconds; a retry waits between half and one and a half of it."""
_REPEATABLE = frozenset({FailureKind.SERVER, FailureKind.CONNECTION, FailureKind.MALFORMED})


class ProviderRoute:
    """One request's way through the providers; asks the next one until the time is over.

    Args:
        pools: the candidates, in order.
        ends: monotonic time of the deadline.
    """

    def __init__(self, pools: list[Pool], ends: float, clock: Callable[[], float]) -> None:
        self._left = pools
        self._ends = ends
        self._clock = clock
        self.problem: ProviderFailure | None = None
        self.retried = False

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self._ends - self._clock()

    def next(self) -> Pool | None:
        """The next candidate that has a chance, taken off the list."""
        while self._left and self.remaining > 0:
            pool = self._left.pop(0)
            if pool.usable:
                return pool
        return None

    def again(self, pool: Pool) -> None:
        """Put a candidate back in front."""
        self._left.insert(0, pool)

    def limit(self) -> float:
        """Seconds for the attempt that starts now."""
        return attempt_limit(self.remaining, sum(pool.usable for pool in self._left))

    @property
    def exhausted(self) -> bool:
        """Whether no other candidate has a chance."""
        return not any(pool.usable for pool in self._left)


class Gateway:
    """All providers. It counts the calls that failed; whoever reads an answer counts how it was.

    Args:
        pools: by name.
        routing: order and models; replaced by assigning it.
        clock: monotonic seconds.
        chance: uniform numbers in [0, 1).
        idle: seconds without a piece after which a stream has failed.
    """

    def __init__(
        self,
        pools: Mapping[Provider, Pool],
        routing: Routing,
        metrics: Metrics,
        tracing: Tracing,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
        idle: float = 20.0,
    ) -> None:
        self.pools = dict(pools)
        self.routing = routing
        self._metrics = metrics
        self._tracing = tracing
        self._clock = clock
        self._chance = chance
        self._idle = idle
        self._budget = RetryBudget()

    def breaker_state(self, name: Provider) -> BreakerState:
        """The state that callers meet, an operator's decision included."""
        if name in self.routing.forced_open:
            return BreakerState.OPEN
        return self.pools[name].breaker.state

    def route(self, ask: CompletionRequest, ends: float) -> ProviderRoute:
        """Begin a request that must end at `ends` (monotonic seconds)."""
        self._budget.deposit()
        allowed = [
            self.pools[name]
            for name in self.routing.for_model(ask.model)
            if name in self.pools and name not in self.routing.forced_open
        ]
        return ProviderRoute(allowed, ends, self._clock)

    async def complete(self, ask: CompletionRequest, ends: float) -> tuple[Provider, Completion]:
        """Get one whole answer.

        Raises:
            SparkError: 422 for a model that nobody takes; 502, 503 or 504 by what went wrong.
        """
        route = self.route(ask, ends)
        while pool := route.next():
            try:
                return pool.name, await self._attempt(pool, ask, route.limit())
            except ProviderFailure as failure:
                await self._after(pool, failure, route)
            except BreakerOpenError:
                continue
        raise self._problem(ask, route)

    async def stream(
        self, ask: CompletionRequest, ends: float
    ) -> AsyncGenerator[tuple[Provider, str | Completion]]:
        """Get an answer in pieces; the last is the whole `Completion`.

        Raises:
            SparkError: as `complete`; also after the first piece, when the stream breaks.
        """
        route = self.route(ask, ends)
        while pool := route.next():
            begun = False
            try:
                async with aclosing(self._pieces(pool, ask, route)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield pool.name, piece
            except ProviderFailure as failure:
                if begun:
                    route.problem = failure
                    break
                await self._after(pool, failure, route)
            except BreakerOpenError:
                continue
            else:
                return
        raise self._problem(ask, route)

    def _model(self, pool: Pool, ask: CompletionRequest) -> CompletionRequest:
        model = ask.model or self.routing.models.get(pool.name)
        return ask if model == ask.model else ask.with_model(model)

    async def _attempt(self, pool: Pool, ask: CompletionRequest, limit: float) -> Completion:
        permit = pool.breaker.admit()
        wanted = self._model(pool, ask)
        with self._tracing.call(pool.name, wanted.model) as span:
            port = self._port(pool, permit)
            try:
                with self._metrics.diagnostics.call(pool.name):
                    async with asyncio.timeout(limit):
                        completion = await port.complete(wanted)
            except TimeoutError:
                failure = ProviderFailure(FailureKind.TIMEOUT, f"no answer in {limit:.1f} s")
                raise self._failed(pool, port, permit, failure, ask) from None
            except ProviderFailure as failure:
                raise self._failed(pool, port, permit, failure, ask) from None
            else:
                permit.success()
            finally:
                permit.release()
            span.answered(completion)
            return completion

    async def _pieces(
        self, pool: Pool, ask: CompletionRequest, route: ProviderRoute
    ) -> AsyncGenerator[str | Completion]:
        permit = pool.breaker.admit()
        port = self._port(pool, permit)
        wanted = self._model(pool, ask)
        pieces = port.stream(wanted)
        wait = min(route.limit(), route.remaining)
        try:
            with (
                self._tracing.call(pool.name, wanted.model) as span,
                self._metrics.diagnostics.call(pool.name),
            ):
                while True:
                    try:
                        async with asyncio.timeout(wait):
                            piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                    if isinstance(piece, Completion):
                        permit.success()
                        span.answered(piece)
                    yield piece
                    wait = max(0.0, min(self._idle, route.remaining))
        except TimeoutError:
            failure = ProviderFailure(FailureKind.TIMEOUT, f"no piece in {wait:.1f} s")
            raise self._failed(pool, port, permit, failure, ask) from None
        except ProviderFailure as failure:
            raise self._failed(pool, port, permit, failure, ask) from None
        finally:
            permit.release()
            await pieces.aclose()

    def _port(self, pool: Pool, permit: Permit) -> ProviderPort:
        try:
            return pool.port()
        except ProviderFailure:
            permit.release()
            raise

    def _failed(
        self,
        pool: Pool,
        port: ProviderPort,
        permit: Permit,
        failure: ProviderFailure,
        ask: CompletionRequest,
    ) -> ProviderFailure:
        # What is said about a model that a client has named must not cost the others the provider.
        apart = ask.model is not None and failure.about_model
        if apart and failure.kind is FailureKind.UNAUTHORIZED:
            failure = ProviderFailure(FailureKind.REJECTED, "the model is not for this key")
        self._metrics.generations.labels(pool.name, outcome_of(failure)).inc()
        self._metrics.errors.labels("warning", "provider").inc()
        self._metrics.diagnostics.failures.labels(pool.name, failure.kind.value).inc()
        if failure.counts_against_provider:
            permit.failure()
            self._metrics.breaker_failures.labels(pool.name).inc()
        else:
            permit.release()
        if not apart:
            pool.note(port, failure)
        return failure

    async def _after(self, pool: Pool, failure: ProviderFailure, route: ProviderRoute) -> None:
        route.problem = failure
        if failure.kind is FailureKind.UNAUTHORIZED and pool.live_keys:
            route.again(pool)
            return
        if not route.exhausted:
            self._metrics.failovers.labels(pool.name).inc()
            return
        if failure.kind not in _REPEATABLE or route.retried or not pool.usable:
            return
        pause = BACKOFF * (0.5 + self._chance())
        if pause < route.remaining and self._budget.withdraw():
            route.retried = True
            self._metrics.retries.labels(pool.name).inc()
            await asyncio.sleep(pause)
            route.again(pool)

    def _problem(self, ask: CompletionRequest, route: ProviderRoute) -> SparkError:
        if route.remaining <= 0:
            return ProviderTimeoutError("no provider answered before the deadline; try again later")
        if route.problem is not None:
            return _translate(route.problem, ask.model)
        names = self.routing.for_model(ask.model)
        if ask.model is not None and not any(name in self.pools for name in names):
            return ModelRejectedError(f"no provider here serves the model '{ask.model}'")
        waits = [self.pools[name].retry_after for name in names if name in self.pools]
        return ProviderUnavailableError(
            "no AI provider takes calls now; try again later", retry_after=min(waits, default=30.0)
        )


def outcome_of(failure: ProviderFailure) -> Outcome:
    """The `outcome` label of a failed call."""
    match failure.kind:
        case FailureKind.TIMEOUT:
            return "timeout"
        case FailureKind.RATE_LIMITED:
            return "rate_limited"
        case FailureKind.UNAUTHORIZED:
            return "unauthorized"
        case _:
            return "error"


def _translate(failure: ProviderFailure, model: str | None) -> SparkError:
    match failure.kind:
        case FailureKind.REJECTED if model is not None:
            return ModelRejectedError(f"the provider refuses the model '{model}' for this request")
        case FailureKind.MALFORMED | FailureKind.REJECTED:
            return ProviderBadOutputError("the AI provider's answer was unusable; try again")
        case FailureKind.TIMEOUT:
            return ProviderTimeoutError("the AI provider took too long; try again later")
        case _:
            return ProviderUnavailableError(
                f"the AI provider can't answer now ({failure.kind}); try again later",
                retry_after=failure.retry_after or 1.0,
            )
