"""Every fault of a provider, through the real SDKs: never a 500, never late, never uncounted."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.spark_app.harness import Providers, Spark, counted, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE = 1.5
SLACK = 1.5
"""Seconds beyond it that a busy machine may take to say so."""
FAULTS: dict[str, dict[str, Any]] = {
    "error 500": {"error_rate": 1.0, "status": 500},
    "error 529": {"error_rate": 1.0, "status": 529},
    "error 400": {"error_rate": 1.0, "status": 400},
    "error 401": {"error_rate": 1.0, "status": 401},
    "error 403": {"error_rate": 1.0, "status": 403},
    "429 with retry-after": {"error_rate": 1.0, "status": 429, "retry_after": 7},
    "429 without": {"error_rate": 1.0, "status": 429},
    "hang": {"hang_rate": 1.0},
    "reset": {"reset_rate": 1.0},
    "stream error": {"stream_error_rate": 1.0, "error_rate": 0.0},
    "malformed": {"malformed_rate": 1.0},
    "empty": {"empty_rate": 1.0},
    "wrong type": {"wrong_type_rate": 1.0},
    "drip": {"drip_rate": 1.0, "drip_seconds": 60},
}
UNAVAILABLE, BAD, LATE = "provider_unavailable", "provider_bad_output", "provider_timeout"
CODES = {
    "error 500": {UNAVAILABLE},
    "error 529": {UNAVAILABLE},
    "error 400": {BAD},
    "error 401": {UNAVAILABLE},
    "error 403": {UNAVAILABLE},
    "429 with retry-after": {UNAVAILABLE},
    "429 without": {UNAVAILABLE},
    "hang": {LATE},
    "reset": {UNAVAILABLE},
    "stream error": {UNAVAILABLE},
    "malformed": {BAD},
    "empty": {BAD},
    "wrong type": {BAD},
    "drip": {LATE},
}
HARMLESS = {("stream error", False)}
"""A stream's error can't hit an answer that isn't streamed."""


def _fresh(spark: Spark) -> None:
    """Forget what was learned about the providers."""
    for pool in spark.app.gateway.pools.values():
        pool.breaker.reset()
        pool._cooling_until = 0.0
        for key in pool._keys:
            key.dead_until = 0.0


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
async def test_a_lone_provider_fails_in_time_with_a_code_and_is_counted(
    providers: Providers, provider: str, stream: bool
) -> None:
    keys = {"anthropic": "OPENAI_API_KEY", "openai": "ANTHROPIC_API_KEY"}
    changes: dict[str, Any] = {keys[provider]: None, "SPARK_DEADLINE_SECONDS": DEADLINE}
    name = "claude" if provider == "anthropic" else "openai"
    total, expected = "api_generate_total", 0
    metrics: dict[str, float] = {}
    async with make_spark(providers.url, **changes) as spark:
        for fault, plan in FAULTS.items():
            _fresh(spark)
            await providers.faults(**{provider: plan})
            began = time.monotonic()
            answer = await spark.generate(f"Create a coin for {fault}", stream=stream)
            assert time.monotonic() - began < DEADLINE + SLACK, fault
            code = _code(answer.status_code, answer.text)
            if (fault, stream) in HARMLESS:
                assert code is None, fault
                continue
            expected += 1
            assert code in CODES[fault], fault
            metrics = await spark.metrics()
            assert counted(metrics, total, status_class="5xx", origin="provider") == expected, fault
            assert counted(metrics, total, origin="app") == 0, fault
    assert counted(metrics, total) == len(FAULTS)
    successes = counted(metrics, "spark_generation_total", provider=name, outcome="success")
    assert successes == len(FAULTS) - expected


def _code(status: int, text: str) -> str | None:
    if status != 200:
        return str(json.loads(text)["code"])
    if text.startswith("event:"):
        name, data = text.strip().split("\n\n")[-1].removeprefix("event: ").split("\ndata: ")
        return None if name == "result" else str(json.loads(data)["code"])
    return None


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_the_other_provider_answers_instead(providers: Providers, stream: bool) -> None:
    async with make_spark(providers.url, SPARK_DEADLINE_SECONDS=3.0) as spark:
        for fault, plan in FAULTS.items():
            if fault == "stream error":
                continue
            _fresh(spark)
            await providers.faults(anthropic=plan)
            answer = await spark.generate(f"Create a coin for {fault}", stream=stream)
            assert answer.status_code == 200, (fault, answer.text)
            code = _code(answer.status_code, answer.text)
            if stream and fault in {"reset", "malformed"}:
                # What was sent can't be taken back: no failover after the first piece.
                assert code is not None, fault
            else:
                assert code is None, (fault, answer.text)
                assert '"provider":"openai"' in answer.text, fault


async def test_the_breaker_opens_after_ten_and_then_nobody_waits(providers: Providers) -> None:
    async with make_spark(providers.url) as spark:
        await providers.faults(anthropic=FAULTS["error 529"])
        for number in range(12):
            answer = await spark.generate(f"Create a spawner called Spawner{number}")
            assert answer.status_code == 200
        assert (await providers.calls())["anthropic"] == 10
        status, health = await spark.health()
        assert (status, health["status"]) == (200, "degraded")
        assert health["circuit_breakers"] == {"claude": "open", "openai": "closed"}
        metrics = await spark.metrics()
    gauge = "spark_circuit_breaker_state"
    assert metrics[f'{gauge}{{provider="claude",state="open"}}'] == 1
    assert metrics[f'{gauge}{{provider="claude",state="closed"}}'] == 0
    assert metrics['spark_circuit_breaker_failures_total{provider="claude"}'] == 10
    assert metrics['spark_provider_failovers_total{provider="claude"}'] == 10


@pytest.mark.parametrize("stream", [False, True])
async def test_answers_count_beside_failures_and_close_the_breaker_again(
    providers: Providers, stream: bool
) -> None:
    async with make_spark(providers.url) as spark:
        breaker = spark.app.gateway.pools["claude"].breaker
        for number in range(12):
            await spark.generate(f"good script {number}", stream=stream)
        await providers.faults(anthropic={"error_rate": 1.0, "status": 500})
        for number in range(11):
            await spark.generate(f"bad script {number}", stream=stream)
        assert breaker.state == "closed"
        await spark.generate("the twelfth", stream=stream)
        assert breaker.state == "open"
        await providers.faults()
        breaker._open_until = time.monotonic()
        for number in range(3):
            assert breaker.state == "half-open"
            await spark.generate(f"probe {number}", stream=stream)
        assert breaker.state == "closed"


async def test_without_any_provider_it_is_unhealthy_and_says_when_to_come_back(
    providers: Providers,
) -> None:
    async with make_spark(providers.url, OPENAI_API_KEY=None) as spark:
        await providers.faults(anthropic=FAULTS["error 500"])
        for number in range(11):
            await spark.generate(f"Create a spawner called Spawner{number}")
        answer = await spark.generate()
        assert answer.status_code == 503
        assert answer.json()["code"] == "provider_unavailable"
        assert 20 <= int(answer.headers["retry-after"]) <= 37
        status, health = await spark.health()
        assert (status, health["status"]) == (503, "unhealthy")
        assert (await spark.client.get("/readyz")).status_code == 200


async def test_a_429_rests_the_provider_for_as_long_as_it_says(providers: Providers) -> None:
    async with make_spark(providers.url, OPENAI_API_KEY=None) as spark:
        await providers.faults(anthropic=FAULTS["429 with retry-after"])
        assert (await spark.generate()).status_code == 503
        again = await spark.generate()
        assert again.status_code == 503
        assert 6 <= int(again.headers["retry-after"]) <= 8
        assert (await providers.calls())["anthropic"] == 1
        _, health = await spark.health()
        assert health["circuit_breakers"]["claude"] == "closed"
        assert health["checks"]["provider:claude"]["status"] == "warn"


async def test_a_refused_key_is_dead_and_the_next_one_works(providers: Providers) -> None:
    keys: dict[str, Any] = {"ANTHROPIC_API_KEY": "old-key, new-key", "OPENAI_API_KEY": None}
    async with make_spark(providers.url, **keys) as spark:
        await providers.faults(anthropic={"revoked_keys": ["old-key"]})
        for number in range(3):
            answer = await spark.generate(f"Create a spawner called Spawner{number}")
            assert answer.status_code == 200
        assert (await providers.calls())["anthropic"] == 4
        _, health = await spark.health()
        assert health["checks"]["provider:claude"]["keys"] == {"configured": 2, "accepted": 1}
        metrics = await spark.metrics()
    assert counted(metrics, "errors_total", severity="critical", origin="provider") == 1
    assert counted(metrics, "spark_generation_total", outcome="unauthorized") == 1


async def test_a_lone_provider_gets_one_more_chance_within_the_budget(providers: Providers) -> None:
    async with make_spark(providers.url, OPENAI_API_KEY=None) as spark:
        await providers.faults(seed=3, anthropic={"error_rate": 0.4})
        # Fewer calls than a breaker needs to open.
        answers = [await spark.generate(f"Create a coin called Coin{n}") for n in range(5)]
        good = sum(answer.status_code == 200 for answer in answers)
        metrics = await spark.metrics()
    retries = counted(metrics, "spark_provider_retries_total", provider="claude")
    assert retries >= 1
    assert counted(metrics, "spark_generation_total", provider="claude") == 5 + retries
    assert good == counted(metrics, "spark_generation_total", outcome="success")


async def test_identical_requests_in_flight_are_made_once(providers: Providers) -> None:
    async with make_spark(providers.url) as spark:
        await providers.faults(anthropic={"latency": {"median": 0.3}})
        asked = [spark.generate(stream=number % 2 == 0) for number in range(10)]
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}
        assert (await providers.calls())["anthropic"] == 1
        metrics = await spark.metrics()
    assert counted(metrics, "spark_coalesced_requests_total") == 9
    assert counted(metrics, "api_generate_total", status_class="2xx") == 10


async def test_who_joins_a_stream_is_not_told_the_providers_time_as_overhead(
    providers: Providers,
) -> None:
    async with make_spark(providers.url) as spark:
        await providers.faults(anthropic={"latency": {"median": 2.0}})
        leading = asyncio.create_task(spark.generate(stream=True))
        await until(lambda: spark.app.metrics.inflight._value.get() == 1)
        joined = await spark.generate()
        await leading
    assert joined.headers["x-spark-cache"] == "coalesced"
    assert float(joined.headers["x-spark-overhead-ms"]) < 1000.0


async def test_a_provider_that_is_not_asked_keeps_nobody_healthy(providers: Providers) -> None:
    changes: dict[str, Any] = {"OPENAI_API_KEY": None, "SPARK_MASTER_API_KEY": "master-key"}
    async with make_spark(providers.url, **changes) as spark:
        headers = {"X-API-Key": "master-key"}
        path = "/api/admin/providers"
        await spark.client.put(path, json={"order": ["openai"]}, headers=headers)
        assert (await spark.generate(headers=headers)).status_code == 503
        status, health = await spark.health()
    assert (status, health["status"]) == (503, "unhealthy")


async def test_a_client_that_leaves_takes_nobody_along(providers: Providers) -> None:
    async with make_spark(providers.url) as spark:
        await providers.faults(anthropic={"latency": {"median": 0.4}})
        leaving = asyncio.create_task(spark.generate())
        await asyncio.sleep(0.1)
        staying = asyncio.create_task(spark.generate())
        await asyncio.sleep(0.1)
        leaving.cancel()
        assert (await staying).status_code == 200
        assert (await providers.calls())["anthropic"] == 1


async def test_order_models_and_forced_open_change_while_it_runs(
    providers: Providers, tmp_path: Path
) -> None:
    file = tmp_path / "providers.json"
    file.write_text('{"order": ["claude", "openai"]}')
    changes: dict[str, Any] = {
        "SPARK_PROVIDERS_FILE": str(file),
        "SPARK_MASTER_API_KEY": "master-key",
    }
    headers = {"X-API-Key": "master-key"}
    async with make_spark(providers.url, **changes) as spark:
        assert (await spark.generate(headers=headers)).json()["provider"] == "claude"
        file.write_text('{"order": ["openai", "claude"], "models": {"openai": "gpt-4o"}}')
        await until(lambda: spark.app.gateway.routing.order[0] == "openai")
        made = (await spark.generate("Create a coin", headers=headers)).json()
        assert (made["provider"], made["model"]) == ("openai", "gpt-4o")
        wanted = {"order": ["openai", "claude"], "forcedOpen": ["openai"]}
        put = await spark.client.put("/api/admin/providers", json=wanted, headers=headers)
        assert put.json()["providers"]["forcedOpen"] == ["openai"]
        made = (await spark.generate("Create a timer", headers=headers)).json()
        assert made["provider"] == "claude"
        _, health = await spark.health()
        assert health["circuit_breakers"]["openai"] == "open"
        assert health["status"] == "degraded"
        file.write_text('{"order": []}')
        await asyncio.sleep(1.2)
        assert spark.app.gateway.routing.order == ("openai", "claude")


async def test_one_deadline_leaves_time_for_the_second_provider(providers: Providers) -> None:
    async with make_spark(providers.url, SPARK_DEADLINE_SECONDS=2.0) as spark:
        await providers.faults(anthropic=FAULTS["hang"])
        began = time.monotonic()
        answer = await spark.generate()
        assert answer.status_code == 200
        assert 1.0 < time.monotonic() - began < 2.0 + SLACK
        metrics = await spark.metrics()
    assert counted(metrics, "spark_generation_total", provider="claude", outcome="timeout") == 1
