"""Real Redis, PostgreSQL and NATS, killed and restarted under load: no user notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import nats
import pytest
import sqlalchemy as sa

from dev import services
from spark_app.storage.database import connect
from spark_app.storage.migrate import migrate
from spark_app.storage.redis import CONNECTIONS, REST, RedisStore
from spark_app.telemetry.metrics import Metrics
from tests.integration.spark_app.harness import Providers, Spark, counted, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nats.aio.client import Client

    from dev.services import Service

ALICE = "user-alice-0123456789abcdef"
HEADERS = {"X-API-Key": ALICE}


@pytest.fixture(scope="module")
def redis() -> Iterator[Service]:
    with services.redis_server() as made:
        yield made


@pytest.fixture(scope="module")
def postgres() -> Iterator[Service]:
    with services.postgres_server() as made:
        yield made


@pytest.fixture(scope="module")
def nats_service() -> Iterator[Service]:
    with services.nats_server() as made:
        yield made


async def test_a_burst_is_no_failure_of_redis(redis: Service) -> None:
    metrics = Metrics("r1", "1.0.0")
    store = RedisStore(redis.url, metrics)
    try:
        await store.set("burst", b"1", 60)
        found = await asyncio.gather(*(store.get("burst") for _ in range(16 * CONNECTIONS)))
    finally:
        await store.close()
    assert set(found) == {b"1"}
    assert store.state == "pass"


async def test_a_restart_between_two_commands_is_no_failure_of_redis(redis: Service) -> None:
    store = RedisStore(redis.url, Metrics("r1", "1.0.0"))
    try:
        await store.ping()
        redis.kill()
        redis.start()
        await store.set("after", b"1", 60)
        assert store.state == "pass"
        assert await store.get("after") == b"1"
    finally:
        await store.close()


async def test_redis_is_down_until_a_command_succeeds_and_not_only_while_left_alone(
    redis: Service,
) -> None:
    now = 0.0
    store = RedisStore(redis.url, Metrics("r1", "1.0.0"), lambda: now)
    try:
        await store.ping()
        redis.kill()
        await store.ping()
        assert (store.state, store.resting) == ("fail", True)
        now += REST
        assert (store.state, store.resting) == ("fail", False)
        redis.start()
        assert store.state == "fail"
        await store.ping()
        assert store.state == "pass"
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def load(spark: Spark) -> AsyncIterator[list[int]]:
    """Users who ask all the time; the statuses that they get."""
    statuses: list[int] = []
    done = asyncio.Event()

    async def user(number: int) -> None:
        count = 0
        while not done.is_set():
            count += 1
            prompt = f"Create a coin called Coin{number}x{count}"
            statuses.append((await spark.generate(prompt, headers=HEADERS)).status_code)

    users = [asyncio.create_task(user(number)) for number in range(4)]
    try:
        yield statuses
    finally:
        done.set()
        await asyncio.gather(*users)


async def _more(statuses: list[int], count: int) -> None:
    goal = len(statuses) + count
    await until(lambda: len(statuses) >= goal, 30)


def _redis_up(spark: Spark) -> bool:
    return spark.app.dependencies.checks()["redis"]["status"] == "pass"


async def test_two_pods_share_cache_and_limit_through_redis(
    providers: Providers, redis: Service
) -> None:
    changes: dict[str, Any] = {"REDIS_URL": redis.url, "SPARK_API_KEYS": ALICE}
    changes["SPARK_RATE_LIMIT"] = "3/minute"
    async with (
        make_spark(providers.url, **changes) as one,
        make_spark(providers.url, **changes) as two,
    ):
        await until(lambda: all(_redis_up(spark) for spark in (one, two)))
        first = await one.generate(headers=HEADERS)
        second = await two.generate(headers=HEADERS)
        assert second.headers["x-spark-cache"] == "hit"
        assert second.json() == first.json() | {"cached": True}
        assert (await providers.calls())["anthropic"] == 1
        assert (await one.generate(headers=HEADERS)).status_code == 200
        assert (await two.generate(headers=HEADERS)).status_code == 429


async def test_redis_killed_under_load_fails_nobody_and_comes_back(
    providers: Providers, redis: Service
) -> None:
    changes = {"REDIS_URL": redis.url, "SPARK_API_KEYS": ALICE, "SPARK_REPLICAS": 2}
    async with make_spark(providers.url, **changes, SPARK_RATE_LIMIT="100000/minute") as spark:
        async with load(spark) as statuses:
            await _more(statuses, 10)
            redis.kill()
            await _more(statuses, 30)
            _, health = await spark.health()
            assert health["status"] == "degraded"
            assert health["checks"]["redis"]["status"] == "fail"
            metrics = await spark.metrics()
            assert counted(metrics, "spark_rate_limit_degraded_total") > 0
            assert counted(metrics, "spark_dependency_failures_total", dependency="redis") > 0
            redis.start()
            await until(lambda: spark.app.dependencies.checks()["redis"]["status"] == "pass", 30)
            await _more(statuses, 10)
        assert set(statuses) == {200}
        made = await spark.generate("Create a timer called Back", headers=HEADERS)
        assert made.status_code == 200
        cached = await spark.app.dependencies.redis.client.keys("spark:script:*")  # type: ignore[union-attr]
        assert cached


async def test_a_limit_is_divided_among_the_pods_without_redis(providers: Providers) -> None:
    changes: dict[str, Any] = {"REDIS_URL": "redis://127.0.0.1:1/0", "SPARK_API_KEYS": ALICE}
    changes |= {"SPARK_RATE_LIMIT": "6/minute", "SPARK_REPLICAS": 3}
    async with make_spark(providers.url, **changes) as spark:
        answers = [await spark.generate(headers=HEADERS) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]


async def _rows(url: str, query: str) -> list[dict[str, Any]]:
    engine = connect(url, pool=1)
    try:
        async with engine.connect() as connection:
            found = await connection.execute(sa.text(query))
            return [dict(row) for row in found.mappings()]
    finally:
        await engine.dispose()


async def test_postgres_killed_under_load_fails_nobody_and_gets_every_record(
    providers: Providers, postgres: Service
) -> None:
    await migrate(postgres.url, "up")
    changes: dict[str, Any] = {"DATABASE_URL": postgres.url, "SPARK_API_KEYS": ALICE}
    changes |= {"SPARK_RATE_LIMIT": "100000/minute", "SPARK_RELEASE": "killed"}
    async with make_spark(providers.url, **changes) as spark:
        async with load(spark) as statuses:
            await _more(statuses, 10)
            postgres.kill()
            await _more(statuses, 30)
            await until(lambda: spark.app.dependencies.checks()["database"]["status"] == "fail", 30)
            postgres.start()
            await until(lambda: spark.app.dependencies.checks()["database"]["status"] == "pass", 30)
            await _more(statuses, 10)
        assert set(statuses) == {200}
        metrics = await spark.metrics()
        assert "spark_database_pool" in str(metrics)
    count = "SELECT count(*), sum(output_tokens) AS spent FROM spark_requests WHERE release="
    found = (await _rows(postgres.url, count + "'killed'"))[0]
    assert found["count"] == len(statuses)
    usage = (await _rows(postgres.url, "SELECT * FROM spark_usage"))[0]
    assert usage["key_id"] == "user-alice"
    assert usage["generations"] == len(statuses)
    assert usage["output_tokens"] == found["spent"]


async def test_admin_changes_are_audited(providers: Providers, postgres: Service) -> None:
    await migrate(postgres.url, "up")
    changes = {"DATABASE_URL": postgres.url, "SPARK_MASTER_API_KEY": "master-key"}
    async with make_spark(providers.url, **changes) as spark:
        await spark.client.post(
            "/api/admin/revocations",
            json={"keyId": "user-mallory"},
            headers={"X-API-Key": "master-key", "X-Request-ID": "audit-1"},
        )
    found = await _rows(postgres.url, "SELECT * FROM spark_audit_log")
    assert [(row["actor"], row["action"], row["target"]) for row in found] == [
        ("master", "revoke", "user-mallory")
    ]
    assert found[0]["request_id"] == "audit-1"


async def test_nats_killed_under_load_fails_nobody_and_gets_every_event(
    providers: Providers, nats_service: Service
) -> None:
    changes: dict[str, Any] = {"NEXT_PUBLIC_NATS_WS_URL": nats_service.url}
    changes |= {"SPARK_API_KEYS": ALICE, "SPARK_RATE_LIMIT": "100000/minute"}
    seen: dict[str, dict[str, Any]] = {}

    async def note(message: Any) -> None:
        event = json.loads(message.data)
        assert message.headers["Nats-Msg-Id"] == event["id"]
        seen[event["id"]] = event

    async def listen() -> Client:
        client = await nats.connect(f"nats://127.0.0.1:{nats_service.port}", allow_reconnect=False)
        await client.subscribe("spark.>", cb=note)
        await client.flush()
        return client

    first = await listen()
    async with make_spark(providers.url, **changes) as spark:
        outbox = spark.app.dependencies.outboxes[0]
        async with load(spark) as statuses:
            await until(lambda: len(seen) >= 10, 30)
            nats_service.kill()
            await _more(statuses, 20)
            await until(lambda: outbox.failing, 30)
            await first.close()
            nats_service.start()
            second = await listen()
            before = len(seen)
            await until(lambda: not outbox.failing and len(seen) > before + 10, 40)
        assert set(statuses) == {200}
        code = (await spark.generate(headers=HEADERS)).json()["code"]
        body = {"code": code, "scriptName": "Mover"}
        await spark.client.post("/api/export", json=body, headers=HEADERS)
        await until(lambda: outbox.waiting == 0, 30)
        await second.flush()
    await until(lambda: any(event["kind"] == "export" for event in seen.values()))
    await second.close()
    event = next(event for event in seen.values() if event["kind"] == "generation")
    assert event["key_id"] == "user-alice"
    assert event["provider"] == "claude"
    assert "prompt" not in event
    assert "code" not in event


@pytest.mark.parametrize(
    ("name", "variable", "url"),
    [
        ("redis", "REDIS_URL", "redis://127.0.0.1:1/0"),
        ("database", "DATABASE_URL", "postgresql://x:secret@127.0.0.1:1/x"),
    ],
)
async def test_what_is_down_only_matters_where_it_is_required(
    providers: Providers, name: str, variable: str, url: str
) -> None:
    async with make_spark(providers.url, **{variable: url}) as spark:
        await until(lambda: spark.app.dependencies.checks()[name]["status"] == "fail")
        assert (await spark.health())[0] == 200
        assert (await spark.client.get("/readyz")).status_code == 200
        assert (await spark.generate()).status_code == 200
    async with make_spark(providers.url, SPARK_REQUIRED=name, **{variable: url}) as spark:
        await until(lambda: bool(spark.app.dependencies.missing()))
        status, health = await spark.health()
        assert (status, health["status"]) == (503, "unhealthy")
        ready = await spark.client.get("/readyz")
        assert (ready.status_code, ready.text) == (503, f"required but down: {name}\n")
        assert (await spark.client.get("/livez")).status_code == 200
