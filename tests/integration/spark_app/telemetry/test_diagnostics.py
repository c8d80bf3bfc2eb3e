"""The metrics for a diagnosis on the running service: they name what a person would look for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dev import services
from tests.integration.spark_app.harness import Providers, Spark, counted
from tests.integration.spark_app.harness import spark as make_spark

ALICE, BOB = "user-alice-0123456789abcdef", "user-bob-0123456789abcdef"
DOCUMENT = Path(__file__).parents[4] / "docs" / "app.md"


async def test_who_is_limited_is_named(providers: Providers) -> None:
    values: dict[str, Any] = {"SPARK_API_KEYS": f"{ALICE},{BOB}", "SPARK_RATE_LIMIT": "4/minute"}
    values["NODE_ENV"] = "staging"
    async with make_spark(providers.url, **values) as spark:
        for key, times in ((ALICE, 7), (BOB, 2)):
            for _ in range(times):
                await spark.generate(headers={"X-API-Key": key})
            if key == ALICE:
                assert (await spark.metrics())["spark_rate_limit_remaining_ratio"] == 0.0
        metrics = await spark.metrics()
    assert metrics['spark_rate_limited_recent{key_id="user-alice"}'] == 3
    assert 'spark_rate_limited_recent{key_id="user-bob"}' not in metrics


async def test_why_a_provider_fails_is_told_by_kind(spark: Spark, providers: Providers) -> None:
    failures: tuple[tuple[dict[str, Any], str], ...] = (
        ({"error_rate": 1.0, "status": 500}, "server"),
        ({"reset_rate": 1.0}, "connection"),
        ({"error_rate": 1.0, "status": 429, "retry_after": 0.0}, "rate_limited"),
        ({"error_rate": 1.0, "status": 401}, "unauthorized"),
    )
    for plan, kind in failures:
        await providers.faults(anthropic=plan)
        answer = await spark.generate(f"Create a coin called {kind.title().replace('_', '')}")
        assert answer.json()["provider"] == "openai"
        metrics = await spark.metrics()
        assert counted(metrics, "spark_provider_failures_total", provider="claude", kind=kind) == 1
    metrics = await spark.metrics()
    assert counted(metrics, "spark_provider_failures_total") == 4
    assert counted(metrics, "spark_provider_key_present") == 2
    accepted = {
        name: counted(metrics, "spark_provider_keys_accepted", provider=name)
        for name in ("claude", "openai")
    }
    assert accepted == {"claude": 0, "openai": 1}


async def test_a_timeout_is_a_kind_of_its_own_and_its_time_is_seen(providers: Providers) -> None:
    values: dict[str, Any] = {"SPARK_DEADLINE_SECONDS": 0.4, "OPENAI_API_KEY": None}
    async with make_spark(providers.url, **values) as spark:
        await providers.faults(anthropic={"hang_rate": 1.0})
        assert (await spark.generate()).status_code == 504
        metrics = await spark.metrics()
    assert counted(metrics, "spark_provider_failures_total", kind="timeout") == 1
    assert counted(metrics, "spark_provider_duration_seconds_sum", provider="claude") >= 0.3
    assert counted(metrics, "spark_provider_key_present", provider="openai") == 0


async def test_quota_is_told_where_the_provider_tells_it(
    spark: Spark, providers: Providers
) -> None:
    await spark.generate()
    assert counted(await spark.metrics(), "spark_provider_quota_limit") == 0
    await providers.faults(anthropic={"quota": 12}, openai={"quota": 900})
    await spark.generate("Create a coin called Coin")
    await providers.faults(
        anthropic={"quota": 0, "error_rate": 1.0, "status": 429}, openai={"quota": 900}
    )
    before = await spark.metrics()
    assert before['spark_provider_quota_remaining{provider="claude",resource="requests"}'] == 12
    await spark.events("Create a coin called Streamed")
    metrics = await spark.metrics()
    assert metrics['spark_provider_quota_remaining{provider="claude",resource="requests"}'] == 0
    assert metrics['spark_provider_quota_remaining{provider="openai",resource="requests"}'] == 900
    assert metrics['spark_provider_quota_limit{provider="openai",resource="requests"}'] == 1000


async def test_connections_are_held_while_a_call_lasts(spark: Spark, providers: Providers) -> None:
    held: list[float] = []
    await providers.faults(anthropic={"drip_rate": 1.0, "drip_seconds": 0.3})
    async with spark.client.stream(
        "POST", "/api/spark/generate", json={"prompt": "Create a coin", "stream": True}
    ) as answer:
        async for _ in answer.aiter_bytes():
            metrics = await spark.metrics()
            held.append(metrics['spark_provider_connections{provider="claude",state="in_use"}'])
    assert max(held) == 1
    metrics = await spark.metrics()
    assert metrics['spark_provider_connections{provider="claude",state="in_use"}'] == 0
    assert metrics['spark_provider_connections{provider="claude",state="max"}'] == 1000


async def test_every_metric_of_the_table_is_served(providers: Providers) -> None:
    table = DOCUMENT.read_text().split("### For diagnosis")[1].split("\n\n")[1]
    named = re.findall(r"^\| `(\w+)", table, re.MULTILINE)
    assert len(named) >= 15
    with services.postgres_server() as postgres:
        values: dict[str, Any] = {"DATABASE_URL": postgres.url}
        async with make_spark(providers.url, **values) as spark:
            await providers.faults(anthropic={"quota": 1})
            await spark.generate()
            page = (await spark.client.get("/api/metrics")).text
    # Only in a control group with a limit: see the unit tests.
    limited = {name for name in named if name.startswith(("spark_cpu_", "spark_memory_"))}
    for name in set(named) - limited:
        assert f"\n{name}" in page, name
    assert all(line.split(" ", 3)[3:] for line in page.splitlines() if line.startswith("# HELP"))
