"""What is changed by mounted files while users are served: no restart, nobody wrongly refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from spark_app.live.files import INTERVAL
from tests.integration.spark_app.harness import Providers, Spark, counted, until
from tests.integration.spark_app.harness import spark as make_spark
from tests.integration.spark_app.live.volume import Volume

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ALICE, ALICE_NEW = "user-alice-0123456789abcdef", "user-alice-fedcba9876543210"
BOB = "user-bob-0123456789abcdef"
MASTER, VERIFIER = "master-key-0123456789", "verification-key-0123"
IN_FORCE = 2 * INTERVAL
"""Seconds after which a change has been looked at twice, on a machine with nothing else to do."""
CLOSED = {"enabled": True, "message": "Back at noon.", "retryAfterSeconds": 60}


def key(value: str) -> dict[str, str]:
    return {"X-API-Key": value}


async def accepted(spark: Spark, value: str) -> bool:
    answer = await spark.client.get("/api/spark/health", headers=key(value))
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


async def refused_after(spark: Spark, value: str) -> float:
    began = time.monotonic()
    async with asyncio.timeout(30):
        while await accepted(spark, value):  # noqa: ASYNC110 - a file's change raises no event
            await asyncio.sleep(0.02)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def traffic(spark: Spark, value: str) -> AsyncIterator[list[int]]:
    """Requests of one user all the while; gives their status codes."""
    seen: list[int] = []
    over = asyncio.Event()

    async def ask() -> None:
        while not over.is_set():
            seen.append((await spark.generate(headers=key(value))).status_code)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(ask())
    yield seen
    over.set()
    await task


def live(keys: Volume, settings: Volume) -> dict[str, Any]:
    """The files where the operator mounts them, but for the folder."""
    return {
        "SPARK_API_KEYS_FILE": keys.path("api-keys"),
        "SPARK_REVOCATIONS_FILE": settings.path("revocations__json"),
        "SPARK_MAINTENANCE_FILE": settings.path("maintenance__json"),
        "SPARK_PROVIDERS_FILE": settings.path("providers__json"),
        "SPARK_MASTER_API_KEY": MASTER,
        "SPARK_VERIFY_API_KEY": VERIFIER,
    }


@pytest.fixture
def keys(tmp_path: Path) -> Volume:
    (tmp_path / "keys").mkdir()
    return Volume(tmp_path / "keys", **{"api-keys": f"{ALICE},{BOB}"})


@pytest.fixture
def mounted(tmp_path: Path) -> Volume:
    (tmp_path / "live").mkdir()
    return Volume(
        tmp_path / "live",
        revocations__json='{"revoked": []}',
        maintenance__json='{"enabled": false}',
        providers__json='{"order": ["claude", "openai"]}',
    )


@pytest.fixture
async def served(providers: Providers, keys: Volume, mounted: Volume) -> AsyncIterator[Spark]:
    async with make_spark(providers.url, **live(keys, mounted)) as spark:
        yield spark


async def test_a_revoked_key_is_refused_and_others_are_not(served: Spark, mounted: Volume) -> None:
    assert IN_FORCE <= 0.5
    async with traffic(served, BOB) as seen:
        assert await accepted(served, ALICE)
        mounted.write(revocations__json='{"revoked": ["user-alice"]}')
        assert await refused_after(served, ALICE) <= 5 * IN_FORCE
        restored = {"keyId": "user-alice", "action": "restore"}
        path = "/api/admin/revocations"
        answer = await served.client.post(path, json=restored, headers=key(MASTER))
        assert answer.json()["keys"]["revoked"] == ["user-alice"], "the list says otherwise"
        mounted.write(revocations__json='{"revoked": ["user-bob", "no id"]}')
        await until(lambda: served.app.files.files[0].good is False)
        assert not await accepted(served, ALICE), "a wrong list leaves the last good one"
        metrics = await served.metrics()
        assert metrics['spark_live_file_good{file="revocations"}'] == 0
        assert metrics['spark_live_file_good{file="api_keys"}'] == 1
        mounted.write(revocations__json='{"revoked": []}')
        await until(lambda: served.app.keys.identify(ALICE) is not None)
    assert set(seen) == {200}


async def test_a_rotation_refuses_no_valid_key_whatever_the_file_goes_through(
    served: Spark, keys: Volume
) -> None:
    async with traffic(served, ALICE) as seen:
        keys.write(**{"api-keys": f"{ALICE},{ALICE_NEW},{BOB}"})
        await until(lambda: served.app.keys.identify(ALICE_NEW) is not None)
        keys.hide("api-keys")
        await until(lambda: served.app.files.files[1].good is False)
        keys.show("api-keys")
        await until(lambda: served.app.files.files[1].good is True)
        keys.write(**{"api-keys": "garbage"})
        await until(lambda: served.app.files.files[1].good is False)
        keys.write(**{"api-keys": f"{ALICE},{BOB}"})
        await until(lambda: served.app.files.files[1].good is True)
    assert len(seen) > 20
    assert set(seen) == {200}
    keys.write(**{"api-keys": f"{ALICE_NEW},{BOB}"})
    assert await refused_after(served, ALICE) <= 5 * IN_FORCE
    assert await accepted(served, ALICE_NEW)


async def test_in_maintenance_only_verification_and_the_master_are_served(
    served: Spark, mounted: Volume
) -> None:
    mounted.write(maintenance__json=json.dumps(CLOSED))
    await until(lambda: served.app.state.maintenance.enabled)
    for headers in ({}, key(ALICE), key(VERIFIER + "x"), {"User-Agent": "spark-app-verify"}):
        answer = await served.generate(headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "maintenance")
        assert answer.headers["retry-after"] == "60"
        assert answer.json()["detail"] == "Back at noon."
    for value in (MASTER, VERIFIER):
        assert (await served.generate(headers=key(value))).status_code == 200
    metrics = await served.metrics()
    counts = {"status_class": "5xx"}
    assert counted(metrics, "api_generate_total", **counts, origin="none") == 4
    assert counted(metrics, "api_generate_total", **counts) == 4
    assert counted(metrics, "spark_generation_duration_seconds_count") == 2
    assert counted(metrics, "errors_total") == 0
    mounted.write(maintenance__json='{"enabled": false}')
    await until(lambda: not served.app.state.maintenance.enabled)
    assert (await served.generate(headers=key(ALICE))).status_code == 200


async def test_the_verification_key_has_an_id_of_its_own_and_opens_no_admin_endpoint(
    served: Spark,
) -> None:
    answer = await served.client.get("/api/spark/health", headers=key(VERIFIER))
    assert answer.json()["key_id"] == "verify"
    state = await served.client.get("/api/admin/state", headers=key(VERIFIER))
    assert state.status_code == 403
    assert "verify" not in json.dumps(
        (await served.client.get("/api/admin/state", headers=key(MASTER))).json()
    )


async def test_a_provider_order_is_taken_up_and_an_admins_change_outlives_a_resync(
    served: Spark, mounted: Volume
) -> None:
    mounted.write(providers__json='{"order": ["openai", "claude"]}')
    await until(lambda: served.app.gateway.routing.order == ("openai", "claude"))
    assert (await served.generate(headers=key(ALICE))).json()["provider"] == "openai"
    path, wanted = "/api/admin/providers", {"order": ["claude"]}
    await served.client.put(path, json=wanted, headers=key(MASTER))
    mounted.write(revocations__json='{"revoked": ["user-alice"]}')
    await until(lambda: served.app.keys.identify(ALICE) is None)
    await asyncio.sleep(INTERVAL)
    assert served.app.gateway.routing.order == ("claude",)
