"""A provider that is away, and sinks that are: users and readers get what is theirs.

``make soak`` runs the long forms: three minutes without Claude, five without any sink.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.e2e.support.dependent import Dependent, dependent, eventually, opened, rolled_back
from tests.e2e.support.results import keep
from tests.e2e.support.services import HTTP_PORT, NAMESPACE
from tests.e2e.support.stage import condition, image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl
    from tests.e2e.support.services import Services

CLAUDE_SECONDS = float(os.environ.get("SPARK_CLAUDE_SECONDS", "30"))
"""How long Claude stays away after its breakers are open."""
SINKS_SECONDS = float(os.environ.get("SPARK_SINKS_SECONDS", "35"))
LONG_SECONDS = 120.0
"""What is away for longer than this is measured for the docs too."""
REPEAT_SECONDS = 300.0
"""The longest time between two attempts to deliver."""
INFO = {"minSeverity": "info"}
NOTIFICATIONS = {
    "email": [
        {
            "server": {"name": "spark-smtp", "key": "url"},
            "from": "spark@example.com",
            "to": ["devops@example.com"],
            "minSeverity": "info",
        }
    ],
    "slack": [{"webhookURL": {"name": "spark-slack", "key": "url"}, **INFO}],
    "pagerDuty": [{"routingKey": {"name": "spark-pagerduty", "key": "routing-key"}}],
    "webhook": [{"url": f"http://sink.{NAMESPACE}:{HTTP_PORT}/webhook", **INFO}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, services: Services) -> AsyncIterator[Dependent]:
    """A stable release that tells everybody everything."""
    made = dependent(services.kubectl, "e2e-outages", notifications=NOTIFICATIONS)
    async with opened(made) as found:
        yield found


async def _incidents(stage: Dependent) -> dict[str, list[str]]:
    """PagerDuty's incidents of this resource, each with what happened to it."""
    uid = (await stage.get("sdep/spark"))["metadata"]["uid"]
    found: dict[str, list[str]] = {}
    for event in await stage.services.received("/pagerduty"):
        key = event["body"]["dedup_key"]
        if uid in key:
            found.setdefault(key, []).append(event["body"]["event_action"])
    return found


async def _asked(stage: Dependent, provider: str) -> dict[str, Any]:
    path = f"/api/v1/namespaces/{stage.namespace}/services/providers:8080/proxy/admin/stats"
    found: dict[str, Any] = json.loads(await stage.kubectl.raw(path))[provider]
    return found


@pytest.mark.timeout(420 + CLAUDE_SECONDS + 2 * SINKS_SECONDS)
async def test_users_get_answers_while_claude_is_away_and_one_incident_comes_and_goes(
    stage: Dependent,
) -> None:
    since, stable = await stage.newest(), (await stage.status()).stable
    await stage.faults(anthropic={"error_rate": 1.0, "status": 529})
    status = await stage.until(
        "it is noticed",
        lambda s: condition(s, "Degraded") == "True/ProviderDown",
        seconds=120,
    )
    degraded = next(item for item in status.conditions if item.type == "Degraded")
    assert "claude" in degraded.message
    open_at, claude = time.time(), await _asked(stage, "anthropic")
    openai = await _asked(stage, "openai")
    await stage.until(
        "its diagnosis",
        lambda s: any("the breaker of claude is not closed" in it.message for it in s.diagnosis),
        seconds=90,
    )
    await asyncio.sleep(max(0.0, open_at + CLAUDE_SECONDS - time.time()))
    # Two pods probe with two calls each about twice a minute; everything else goes to OpenAI.
    probes = (await _asked(stage, "anthropic"))["requests"] - claude["requests"]
    answered = (await _asked(stage, "openai"))["outcomes"]["ok"] - openai["outcomes"]["ok"]
    assert answered > 3 * probes
    await stage.faults()
    status = await stage.until(
        "it is over", lambda s: condition(s, "Degraded").startswith("False/"), seconds=150
    )

    async def resolved() -> bool:
        return [it[-1] for it in (await _incidents(stage)).values()] == ["resolve"]

    await eventually("the incident resolved", resolved, seconds=60)
    [happened] = (await _incidents(stage)).values()
    assert (happened[0], happened.count("trigger"), happened.count("resolve")) == ("trigger", 1, 1)
    assert status.phase == "Stable"
    assert status.stable is not None
    assert stable is not None
    assert status.stable.release == stable.release
    assert not [entry for entry in status.ledger if entry.decision == "RollingBack"]
    assert [result for result in await stage.failed(since) if result.at > open_at] == []
    counted = {
        "answered_by_openai": answered,
        "calls_of_claude": probes,
        "incident": happened,
    }
    await _keep(stage, since, counted)


async def _keep(stage: Dependent, since: int, counted: dict[str, Any]) -> None:
    """Keep what came of the long form: no request failed since the breaker opened."""
    if CLAUDE_SECONDS > LONG_SECONDS:
        asked = {
            "seconds": CLAUDE_SECONDS,
            "users_requests": len(await stage.results(since)),
            "failed_before_the_breaker_opened": len(await stage.failed(since)),
            "failed_since": 0,
        }
        await asyncio.to_thread(keep, "outages", claude=asked | counted)


@pytest.mark.timeout(420 + CLAUDE_SECONDS + 2 * SINKS_SECONDS)
async def test_what_sinks_missed_arrives_when_they_are_back_and_once(
    stage: Dependent, services: Services
) -> None:
    before = await stage.status()
    webhooks, mails = len(await services.received("/webhook")), len(await services.mails())
    chats = len(await services.received("/slack"))
    bad = image("3.0.0-migration-errors")
    await services.cut("sink", "mail")
    ended = time.monotonic() + SINKS_SECONDS
    await stage.apply(image=bad)
    status = await stage.until("rollback", rolled_back(bad), seconds=150)
    assert status.failure is not None
    await asyncio.sleep(max(0.0, ended - time.monotonic()))
    waiting = await stage.status()
    assert waiting.notifications is not None
    assert waiting.notifications.outbox
    await services.join("sink", "mail")
    status = await stage.until(
        "everything delivered",
        lambda s: s.notifications is not None and not s.notifications.outbox,
        seconds=max(90.0, min(REPEAT_SECONDS, SINKS_SECONDS) + 60),
    )
    last = before.ledger[0].at
    decided = [it.decision for it in reversed(status.ledger) if it.at > last]
    events = (await services.received("/webhook"))[webhooks:]
    ids = [it["key"] for it in events]
    assert len(ids) == len(set(ids))
    assert [it["body"]["kind"] for it in events if it["body"]["kind"] in decided] == decided
    texts = [it["body"]["text"] for it in (await services.received("/slack"))[chats:]]
    assert len([text for text in texts if "RollingBack" in text]) == 1
    letters = (await services.mails())[mails:]
    assert len([mail for mail in letters if ": RollingBack " in mail]) == 1
    assert len(letters) == len(texts) == len(events)
    assert [it[-1] for it in (await _incidents(stage)).values()].count("acknowledge") == 1
    if SINKS_SECONDS > LONG_SECONDS:
        arrived = {"webhook": len(events), "slack": len(texts), "email": len(letters)}
        found = {"seconds": SINKS_SECONDS, "arrived_once": arrived}
        await asyncio.to_thread(keep, "outages", sinks=found)
