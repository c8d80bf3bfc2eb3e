"""`verify` and `traffic` against the real service: what they count as, and what they say."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from spark_app.commands.cli import main
from spark_app.commands.client import KEY_VARIABLE
from spark_app.commands.traffic import Load, judge, traffic
from spark_app.commands.verify import Bounds, verify
from tests.integration.spark_app.harness import Providers, Spark, counted, running
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from pathlib import Path

    from spark_app.commands.report import Check

EASY = Bounds(health=5.0, generate=20.0, export=5.0)
VERIFIER = "verification-key-0123"
CLOSED: dict[str, Any] = {"SPARK_MASTER_API_KEY": "master-key-0123", "SPARK_MAINTENANCE": True}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


async def checked(url: str, bounds: Bounds = EASY) -> dict[str, Check]:
    return {check.check: check for check in await verify(url, bounds)}


def failed(found: dict[str, Check]) -> set[str]:
    return {name for name, check in found.items() if check.status == "fail"}


async def test_a_healthy_service_passes_and_its_counters_show_a_users_requests(
    spark: Spark,
) -> None:
    found = await checked(spark.url)
    assert {name: check.status for name, check in found.items()} == {
        "health": "pass",
        "metrics": "pass",
        "generate": "pass",
        "export": "pass",
    }
    assert all(check.seconds > 0 for check in found.values())
    assert "release r1" in found["health"].detail
    metrics = await spark.metrics()
    first = {"status_class": "2xx", "attempt": "first"}
    assert counted(metrics, "api_generate_total", **first) == 1
    assert counted(metrics, "api_export_total", **first) == 1


async def test_a_failing_service_fails_and_is_counted_once_for_the_judge(
    spark: Spark, providers: Providers
) -> None:
    await providers.faults(anthropic={"error_rate": 1.0}, openai={"error_rate": 1.0})
    found = await checked(spark.url)
    assert failed(found) == {"generate"}
    assert "HTTP 503, provider_unavailable" in found["generate"].detail
    metrics = await spark.metrics()
    bad = {"status_class": "5xx", "origin": "provider"}
    assert counted(metrics, "api_generate_total", **bad, attempt="first") == 1
    assert counted(metrics, "api_generate_total", **bad, attempt="retry") == 1


async def test_an_answer_of_a_model_that_is_unusable_once_is_no_failure(
    providers: Providers,
) -> None:
    async with make_spark(providers.url, OPENAI_API_KEY=None) as spark:
        await providers.faults(anthropic={"malformed_rate": 0.5}, seed=3)
        found = [await checked(spark.url) for _ in range(3)]
        metrics = await spark.metrics()
    assert counted(metrics, "api_generate_total", attempt="retry") >= 1
    assert any(not failed(one) for one in found)


async def test_each_bound_is_kept_and_said(spark: Spark, providers: Providers) -> None:
    await providers.faults(anthropic={"latency": {"median": 1.0}})
    found = await checked(spark.url, Bounds(health=1e-6, generate=0.3, export=5.0))
    assert failed(found) == {"health", "generate"}
    assert "more than 0.001 ms" in found["health"].detail
    assert "no whole answer within 0.3 s" in found["generate"].detail
    found = await checked(spark.url, Bounds(health=5.0, generate=20.0, export=1e-6))
    assert failed(found) == {"export"}


async def test_an_open_breaker_is_named(spark: Spark, providers: Providers) -> None:
    await providers.faults(anthropic={"error_rate": 1.0})
    for number in range(12):
        await spark.generate(f"Create a coin called Coin{number}")
    found = await checked(spark.url)
    assert failed(found) == {"health"}
    assert "provider:claude failed" in found["health"].detail


async def test_without_a_valid_key_it_says_which_variable_to_set(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_spark(providers.url, SPARK_API_KEYS="user-a-0123456789abcdef") as spark:
        found = await checked(spark.url)
        assert failed(found) == {"generate", "export"}
        assert "put one into SPARK_VERIFY_API_KEY" in found["generate"].detail
        monkeypatch.setenv(KEY_VARIABLE, "user-a-0123456789abcdef")
        assert not failed(await checked(spark.url))


async def test_it_passes_a_maintenance_window_with_the_services_verification_key(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {**CLOSED, KEY_VARIABLE: VERIFIER}
    async with make_spark(providers.url, **values) as spark:
        found = await checked(spark.url)
        assert "closed for maintenance" in found["generate"].detail
        monkeypatch.setenv(KEY_VARIABLE, VERIFIER)
        assert not failed(await checked(spark.url))


async def pretender(scope: Any, receive: Any, send: Any) -> None:
    """A service that answers everything with 200, and nothing right."""
    del receive
    bodies = {
        "/api/spark/health": b'{"status": "healthy", "circuit_breakers": {}}',
        "/api/metrics": b"api_generate_total 1\n",
        "/api/spark/generate": b'{"code": "class Mover {", "scriptName": "Mover"}',
        "/api/export": b"something else",
    }
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bodies[scope["path"]]})


async def test_answers_are_read_not_only_their_status() -> None:
    config = uvicorn.Config(pretender, log_config=None, lifespan="off")
    async with running(uvicorn.Server(config)) as url:
        found = await checked(url)
    assert failed(found) == {"metrics", "generate", "export"}
    assert "metrics are missing: api_export_total" in found["metrics"].detail
    assert "the generated code is no valid C#: line 1" in found["generate"].detail
    assert "is not the script that was sent" in found["export"].detail


async def test_what_is_no_service_is_said() -> None:
    found = await checked("http://127.0.0.1:1")
    assert failed(found) == {"health", "metrics", "generate", "export"}
    assert "no connection to 127.0.0.1:1" in found["health"].detail


async def test_traffic_sends_what_was_asked_for_and_tells_what_came_back(
    spark: Spark, providers: Providers
) -> None:
    [check] = await traffic([spark.url], Load(8, 50.0))
    assert (check.status, check.detail) == (
        "pass",
        "8 of 8 requests: 8 2xx, 0 5xx, 0 4xx, 0 none",
    )
    metrics = await spark.metrics()
    assert counted(metrics, "spark_cache_requests_total", result="hit") == 0
    await providers.faults(anthropic={"error_rate": 1.0}, openai={"error_rate": 1.0})
    [check] = await traffic([spark.url], Load(3, 50.0))
    assert (check.status, "3 5xx" in check.detail) == ("pass", True)
    metrics = await spark.metrics()
    bad = {"status_class": "5xx", "origin": "provider", "attempt": "first"}
    assert counted(metrics, "api_generate_total", **bad) == 3


async def test_traffic_to_two_releases_is_sent_to_each(spark: Spark) -> None:
    other = "http://localhost:1"
    found = await traffic([spark.url, other], Load(3, 50.0))
    assert [check.status for check in found] == ["pass", "fail"]
    assert found[0].detail.startswith("127.0.0.1: 3 of 3 requests: 3 2xx")
    assert found[1].detail.startswith("localhost: 3 of 3 requests: 0 2xx, 0 5xx, 0 4xx, 3 none")


async def test_traffic_that_is_no_evidence_says_why(
    providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, VERIFIER)
    values = {"SPARK_MASTER_API_KEY": "master-key-0123", KEY_VARIABLE: VERIFIER}
    async with make_spark(providers.url, SPARK_RATE_LIMIT="2/minute", **values) as spark:
        [check] = await traffic([spark.url], Load(4, 50.0))
        assert check.status == "warn"
        assert "2 4xx" in check.detail
        assert "requests are used up" in check.detail
    [check] = await traffic([spark.url], Load(2, 50.0))
    assert check.status == "fail"
    assert "no connection" in check.detail
    [check] = await traffic([spark.url], Load(5, 0.5, seconds=1.0))
    assert "1 of 5 requests" in check.detail


def test_a_verdict_counts_5xx_as_evidence_and_4xx_not() -> None:
    assert judge(2, Counter({"5xx": 2}), [], 1.0).status == "pass"
    assert judge(2, Counter({"4xx": 2}), ["refused"], 1.0).status == "fail"
    assert judge(3, Counter({"2xx": 2}), [], 1.0).detail.endswith("the time was over")


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["verify", "--url", "ftp://a"],
        ["verify", "--url", "http://user:pw@a:1"],
        ["verify", "--url", "http://a:1", "--health-ms", "nan"],
        ["traffic", "--url", "http://a:1", "--requests", "10001"],
        ["traffic", "--url", "http://a:1", "--rate", "101"],
    ],
)
def test_options_have_bounds(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("command", [["verify"], ["traffic", "--requests", "2", "--rate", "20"]])
async def test_the_commands_report(spark: Spark, tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "report"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "spark_app", *command, "--url", spark.url),
        *(["--health-ms", "5000"] if command == ["verify"] else []),
        env={**os.environ, "SPARK_REPORT_FILE": str(file)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    report = json.loads(file.read_text())
    assert (process.returncode, report["passed"]) == (0, True), out
    assert len(report["checks"]) == (4 if command == ["verify"] else 1)
