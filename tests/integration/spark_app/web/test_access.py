"""Who comes in: keys and their rotation, limits, maintenance, load; and what is logged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import httpx2

from tests.integration.spark_app.harness import Providers, counted, spark_process, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ALICE, ALICE_NEW = "user-alice-0123456789abcdef", "user-alice-fedcba9876543210"
GENERATE = "/api/spark/generate"
BOB = "user-bob-0123456789abcdef"
MASTER = "master-key-0123456789"
KEYS: dict[str, Any] = {"SPARK_API_KEYS": f"{ALICE},{BOB}", "SPARK_MASTER_API_KEY": MASTER}


def key(value: str) -> dict[str, str]:
    return {"X-API-Key": value}


async def test_without_a_key_nobody_works_but_everybody_may_look(providers: Providers) -> None:
    async with make_spark(providers.url, **KEYS) as spark:
        for headers in ({}, key("wrong"), {"Authorization": "Basic eDp5"}):
            answer = await spark.generate(headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert (await spark.generate(headers=key(ALICE))).status_code == 200
        bearer = {"Authorization": f"Bearer {ALICE}"}
        assert (await spark.generate(headers=bearer)).status_code == 200
        for path in ("/livez", "/readyz", "/api/metrics", "/api/spark/health", "/"):
            assert (await spark.client.get(path)).status_code == 200
        tried = await spark.client.get("/api/spark/health", headers=key(ALICE))
        assert tried.json()["key_id"] == "user-alice"
        wrong = await spark.client.get("/api/spark/health", headers=key("wrong"))
        assert wrong.status_code == 401
        assert (await providers.calls())["anthropic"] == 1


async def test_one_tenant_never_gets_anothers_script(providers: Providers) -> None:
    async with make_spark(providers.url, **KEYS) as spark:
        for who in (ALICE, BOB, ALICE):
            await spark.generate(headers=key(who))
        assert (await providers.calls())["anthropic"] == 2


async def test_keys_rotate_by_file_without_a_refused_request(
    providers: Providers, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(ALICE)
    async with make_spark(providers.url, SPARK_API_KEYS_FILE=str(file)) as spark:

        async def works(value: str) -> bool:
            return (await spark.generate(headers=key(value))).status_code == 200

        assert await works(ALICE)
        assert not await works(ALICE_NEW)
        file.write_text(f"{ALICE}\n{ALICE_NEW}\n")
        await until(lambda: spark.app.keys.identify(ALICE_NEW) is not None)
        assert await works(ALICE)
        assert await works(ALICE_NEW)
        file.write_text("garbage")
        await asyncio.sleep(1.2)
        assert await works(ALICE)
        file.write_text(ALICE_NEW)
        await until(lambda: spark.app.keys.identify(ALICE) is None)
        assert await works(ALICE_NEW)
        file.write_text("")
        await until(lambda: spark.app.keys.identify(ALICE_NEW) is None)
        assert not await works(ALICE_NEW)
        assert (await spark.generate()).status_code == 401


async def test_a_revoked_key_is_refused_at_once(providers: Providers) -> None:
    async with make_spark(providers.url, **KEYS) as spark:
        path, wanted = "/api/admin/revocations", {"keyId": "user-alice"}
        forbidden = await spark.client.post(path, json=wanted, headers=key(BOB))
        assert (forbidden.status_code, forbidden.json()["code"]) == (403, "forbidden")
        done = await spark.client.post(path, json=wanted, headers=key(MASTER))
        assert done.json()["keys"] == {
            "ids": ["master", "user-bob"],
            "revoked": ["user-alice"],
        }
        assert (await spark.generate(headers=key(ALICE))).status_code == 401
        assert (await spark.generate(headers=key(BOB))).status_code == 200


async def test_the_limit_is_told_and_kept_for_each_key(providers: Providers) -> None:
    async with make_spark(providers.url, **KEYS, SPARK_RATE_LIMIT="3/minute") as spark:
        answers = [await spark.generate(headers=key(ALICE)) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        first, last = answers[0].headers, answers[3].headers
        assert first["ratelimit-policy"] == '"key";q=3;w=60'
        assert first["ratelimit"].startswith('"key";r=2;t=')
        assert (first["x-ratelimit-limit"], first["x-ratelimit-remaining"]) == ("3", "2")
        assert last["x-ratelimit-remaining"] == "0"
        assert 1 <= int(last["retry-after"]) <= 91
        problem = answers[3].json()
        assert problem["code"] == "rate_limited"
        assert problem["type"].endswith("#quota-exceeded")
        assert problem["violated-policies"] == ["key"]
        assert (await spark.generate(headers=key(BOB))).status_code == 200
        metrics = await spark.metrics()
    assert counted(metrics, "api_generate_total", status_class="4xx", origin="client") == 1


async def test_maintenance_is_a_503_that_nobody_is_blamed_for(
    providers: Providers, tmp_path: Path
) -> None:
    file = tmp_path / "maintenance.json"
    file.write_text("{}")
    changes: dict[str, Any] = {**KEYS, "SPARK_MAINTENANCE_FILE": str(file)}
    async with make_spark(providers.url, **changes) as spark:
        file.write_text('{"enabled": true, "message": "Back at noon.", "retryAfterSeconds": 60}')
        await until(lambda: spark.app.state.maintenance.enabled)
        answer = await spark.generate(headers=key(ALICE))
        assert (answer.status_code, answer.json()["code"]) == (503, "maintenance")
        assert answer.json()["detail"] == "Back at noon."
        assert answer.headers["retry-after"] == "60"
        status, health = await spark.health()
        assert (status, health["status"], health["maintenance"]) == (200, "degraded", True)
        metrics = await spark.metrics()
        assert counted(metrics, "api_generate_total", status_class="5xx", origin="none") == 1
        assert counted(metrics, "errors_total") == 0
        path = "/api/admin/maintenance"
        await spark.client.put(path, json={"enabled": False}, headers=key(MASTER))
        assert (await spark.generate(headers=key(ALICE))).status_code == 200


async def test_too_much_at_once_is_turned_away_and_looked_at_all_the_same(
    providers: Providers,
) -> None:
    async with make_spark(providers.url, SPARK_MAX_INFLIGHT=2) as spark:
        await providers.faults(anthropic={"latency": {"median": 0.5}})
        asked = [spark.generate(f"Create a coin called Coin{number}") for number in range(5)]
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
        shed = next(answer for answer in answers if answer.status_code == 503)
        assert shed.json()["code"] == "overloaded"
        assert shed.json()["retryable"] is True
        assert 2 <= int(shed.headers["retry-after"]) <= 3
        assert (await spark.health())[0] == 200
        metrics = await spark.metrics()
    assert counted(metrics, "spark_shed_requests_total") == 3
    assert counted(metrics, "api_generate_total", status_class="5xx", origin="app") == 3


@contextlib.asynccontextmanager
async def _busy_loop(seconds: float) -> AsyncIterator[None]:
    """Hold the event loop up for so long, again and again, with little room in between."""

    async def hold() -> None:
        while True:
            time.sleep(seconds)  # noqa: ASYNC251 - just this is what is to be noticed
            await asyncio.sleep(0.05)

    task = asyncio.create_task(hold())
    yield
    task.cancel()


async def test_nothing_new_is_let_in_while_the_loop_is_late(providers: Providers) -> None:
    most = 0.25
    async with make_spark(providers.url, SPARK_MAX_LAG_SECONDS=most) as spark:
        lag = spark.app.lag
        assert (await spark.generate()).status_code == 200
        async with _busy_loop(2.5 * most):
            await until(lambda: lag.seconds > most)
            late = await spark.generate("Create a coin")
            assert (late.status_code, late.json()["code"]) == (503, "overloaded")
            assert 2 <= int(late.headers["retry-after"]) <= 3
            for path in ("/livez", "/readyz", "/api/spark/health"):
                assert (await spark.client.get(path)).status_code == 200
        await until(lambda: lag.seconds < most)
        assert (await spark.generate("Create a timer")).status_code == 200
        metrics = await spark.metrics()
        assert (await providers.calls())["anthropic"] == 2
    assert counted(metrics, "spark_shed_requests_total") == 1
    assert counted(metrics, "api_generate_total", status_class="5xx", origin="app") == 1


async def test_the_log_names_the_key_id_and_no_secret(providers: Providers, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = {**KEYS, "OPENAI_API_KEY": "openai-key", "OPENAI_BASE_URL": providers.url + "/v1"}
    environment |= {"LOG_LEVEL": "debug", "SPARK_ACCESS_LOG": "true"}
    prompt = "Create a coin with the secret word xyzzy"
    with log.open("wb") as out, spark_process(providers.url, out=out, **environment) as spark:
        async with httpx2.AsyncClient(base_url=spark.url, timeout=30) as client:
            await client.post(GENERATE, json={"prompt": prompt}, headers=key(ALICE))
            await client.post(GENERATE, json={"prompt": prompt}, headers=key(ALICE[:-1]))
            await providers.faults(anthropic={"reset_rate": 1.0}, openai={"malformed_rate": 1.0})
            again = {"prompt": prompt + " again", "stream": True}
            await client.post(GENERATE, json=again, headers=key(ALICE))
            seen = (await client.get("/api/metrics")).text
            seen += (await client.get("/api/spark/health")).text
    seen += log.read_text()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    access = [line for line in lines if line["event"] == "request"]
    assert [line["key_id"] for line in access] == ["user-alice", "-", "user-alice"]
    assert [line["status"] for line in access] == [200, 401, 200]
    assert [line["failed"] for line in access] == [False, False, True]
    assert all(line["release"] == "r1" and line["request_id"] for line in access)
    for secret in (ALICE, ALICE[:-1], MASTER, "claude-key", "openai-key", "xyzzy"):
        assert secret not in seen, secret
