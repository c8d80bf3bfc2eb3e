"""Preflight with real dependencies: what works passes, what doesn't is said in plain words."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from dev import services
from spark_app.commands.preflight import preflight
from spark_app.storage.migrate import migrate
from tests.integration.spark_app.harness import Providers, settings

if TYPE_CHECKING:
    from spark_app.commands.report import Check


async def _run(stand_in: str, **changes: Any) -> tuple[dict[str, Check], bool]:
    found = await preflight(settings(stand_in, **changes))
    json.dumps([check.as_json() for check in found.checks])
    return {check.check: check for check in found.checks}, found.passed


async def test_what_works_passes(providers: Providers) -> None:
    with (
        services.redis_server() as redis,
        services.nats_server() as nats,
        services.postgres_server() as postgres,
    ):
        changes = {
            "REDIS_URL": redis.url,
            "NEXT_PUBLIC_NATS_WS_URL": nats.url,
            "DATABASE_URL": postgres.url,
        }
        found, good = await _run(providers.url, **changes)
        assert good
        assert found["database"].status == "warn"
        assert "run migrate up" in found["database"].detail
        await migrate(postgres.url, "up")
        found, good = await _run(providers.url, **changes)
        assert good
        assert {check.status for check in found.values()} == {"pass"}
        assert sum((await providers.calls()).values()) == 0
        wrong = postgres.url.replace(":spark@", ":hunter2@")
        found, good = await _run(providers.url, DATABASE_URL=wrong, SPARK_REQUIRED="database")
        assert not good
        assert "password in DATABASE_URL is refused" in found["database"].detail
        assert "hunter2" not in str(found)
        missing = postgres.url.replace("/postgres", "/nowhere")
        found, _ = await _run(providers.url, DATABASE_URL=missing)
        assert "does not exist" in found["database"].detail


async def test_what_is_not_required_only_warns(providers: Providers) -> None:
    changes = {"REDIS_URL": "redis://127.0.0.1:1/0", "NEXT_PUBLIC_NATS_WS_URL": "ws://127.0.0.1:1"}
    found, good = await _run(providers.url, **changes)
    assert good
    assert found["redis"].status == found["nats"].status == "warn"
    assert "nobody answers at 127.0.0.1:1" in found["redis"].detail
    found, _ = await _run(providers.url, REDIS_URL="unix:///nowhere/redis.sock")
    assert "nobody answers at /nowhere/redis.sock" in found["redis"].detail
    found, good = await _run(providers.url, **changes, SPARK_REQUIRED="redis,nats")
    assert not good
    assert found["redis"].status == found["nats"].status == "fail"


async def test_a_revoked_key_warns_while_another_provider_works(providers: Providers) -> None:
    await providers.faults(anthropic={"revoked_keys": ["claude-key"]})
    found, good = await _run(providers.url)
    assert good
    assert found["provider:claude"].status == "warn"
    assert "refused" in found["provider:claude"].detail
    _, good = await _run(providers.url, OPENAI_API_KEY=None)
    assert not good


async def test_an_unreachable_provider_is_named() -> None:
    found, good = await asyncio.wait_for(_run("http://127.0.0.1:1"), 30)
    assert not good
    assert "can't be reached" in found["provider:openai"].detail
