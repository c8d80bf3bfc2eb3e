"""A breaker that is half open is left without any user's call, at next to no cost."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from spark_app.commands.verify import Bounds, verify
from spark_app.core.breaker import BreakerState
from tests.integration.spark_app.harness import Providers, Spark, counted, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from spark_app.core.breaker import Breaker

FAST: dict[str, Any] = {"SPARK_PROBE_SECONDS": 0.05}
BY_HAND: dict[str, Any] = {"SPARK_PROBE_SECONDS": 3600}


async def half_open(spark: Spark, name: str = "openai") -> Breaker:
    """A breaker whose open time is just over."""
    breaker = spark.app.gateway.pools[name].breaker  # type: ignore[index]
    for _ in range(10):
        breaker.admit().failure()
    assert breaker.state is BreakerState.OPEN
    breaker._open_until = time.monotonic()
    return breaker


async def test_a_standby_closes_without_any_traffic(providers: Providers) -> None:
    async with make_spark(providers.url, **FAST) as spark:
        breaker = await half_open(spark)
        await until(lambda: breaker.state is BreakerState.CLOSED)
        assert await providers.calls() == {"anthropic": 0, "openai": 3}
        await asyncio.sleep(0.3)
        assert await providers.calls() == {"anthropic": 0, "openai": 3}, "closed, it is left alone"
        metrics = await spark.metrics()
    labels = {"provider": "openai", "result": "passed"}
    assert counted(metrics, "spark_provider_probes_total", **labels) == 3
    for users in ("api_generate_total", "spark_generation_total", "errors_total"):
        assert counted(metrics, users) == 0


@pytest.mark.parametrize("name", ["claude", "openai"])
async def test_a_provider_that_still_fails_is_asked_once_and_opens_again(
    providers: Providers, name: str
) -> None:
    wire = {"claude": "anthropic", "openai": "openai"}[name]
    await providers.faults(**{wire: {"error_rate": 1.0, "status": 529}})
    async with make_spark(providers.url, **FAST) as spark:
        breaker = await half_open(spark, name)
        await until(lambda: breaker.state is BreakerState.OPEN)
        await asyncio.sleep(0.3)
        assert (await providers.calls())[wire] == 1
        assert 20 < breaker.retry_after < 37
        metrics = await spark.metrics()
    assert counted(metrics, "spark_provider_probes_total", provider=name, result="failed") == 1
    assert counted(metrics, "spark_circuit_breaker_failures_total", provider=name) == 1
    assert counted(metrics, "errors_total") == 0


async def test_an_answer_that_refuses_the_question_shows_that_it_is_back(
    providers: Providers,
) -> None:
    await providers.faults(openai={"error_rate": 1.0, "status": 400})
    async with make_spark(providers.url, **FAST) as spark:
        breaker = await half_open(spark)
        await until(lambda: breaker.state is BreakerState.CLOSED)


@pytest.mark.parametrize("status", [401, 429])
async def test_a_refused_key_or_a_limit_teaches_nothing_and_is_respected(
    providers: Providers, status: int
) -> None:
    await providers.faults(openai={"error_rate": 1.0, "status": status, "retry_after": 60})
    async with make_spark(providers.url, **FAST) as spark:
        breaker = await half_open(spark)
        pool = spark.app.gateway.pools["openai"]
        await until(lambda: not pool.usable)
        await asyncio.sleep(0.3)
        assert (await providers.calls())["openai"] == 1
        assert breaker.state is BreakerState.HALF_OPEN


async def test_what_an_operator_keeps_out_is_not_asked(providers: Providers) -> None:
    async with make_spark(providers.url, **BY_HAND, SPARK_MASTER_API_KEY="master-key") as spark:
        await half_open(spark)
        wanted = {"order": ["claude", "openai"], "forcedOpen": ["openai"]}
        headers = {"X-API-Key": "master-key"}
        await spark.client.put("/api/admin/providers", json=wanted, headers=headers)
        await spark.app.prober.look()
        assert (await providers.calls())["openai"] == 0
        await spark.client.put("/api/admin/providers", json={"order": ["claude"]}, headers=headers)
        await spark.app.prober.look()
        assert (await providers.calls())["openai"] == 1


async def test_half_open_is_told_apart_from_open_everywhere(providers: Providers) -> None:
    async with make_spark(providers.url, **BY_HAND) as spark:
        await half_open(spark)
        status, health = await spark.health()
        assert (status, health["status"]) == (200, "healthy")
        assert health["circuit_breakers"] == {"claude": "closed", "openai": "half-open"}
        assert health["checks"]["provider:openai"]["status"] == "warn"
        metrics = await spark.metrics()
        states = {
            state: counted(metrics, "spark_circuit_breaker_state", provider="openai", state=state)
            for state in ("closed", "open", "half-open")
        }
        assert states == {"closed": 0, "open": 0, "half-open": 1}
        checks = await verify(spark.url, Bounds(health=5.0))
        assert {check.check: check.status for check in checks}["health"] == "pass"
        assert "openai is half-open" in checks[0].detail


async def test_the_questions_come_at_uneven_times(providers: Providers) -> None:
    pauses: list[float] = []
    over = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 50:
            over.set()
            await asyncio.Event().wait()

    async with make_spark(providers.url, **BY_HAND) as spark:
        prober = spark.app.prober
        prober._interval, prober._pause = 2.0, pause
        task = asyncio.create_task(prober.run())
        await over.wait()
        task.cancel()
    assert all(1.0 <= seconds < 3.0 for seconds in pauses)
    assert len(set(pauses)) > 40
