"""A bounded soak with random provider faults: every count of the service equals its users' own.

Two minutes by default, thirty with `make soak`. Nothing may hang past the deadline, no 5xx may lack
a code, no connection may break, and memory must not grow.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.spark_app import harness

SECONDS = float(os.environ.get("SPARK_SOAK_SECONDS", "60"))
DEADLINE = 2.0
SLACK = 3.0
"""Seconds beyond the deadline that a busy machine may take to say so."""
USERS = 8
GENERATE, EXPORT = "/api/spark/generate", "/api/export"
CODE = "using UnityEngine;\npublic class Coin : MonoBehaviour { }\n"
ORIGINS = {
    "provider_bad_output": "provider",
    "provider_unavailable": "provider",
    "provider_timeout": "provider",
    "overloaded": "app",
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"error_rate": 0.15, "status": 500},
    {"error_rate": 0.15, "status": 529},
    {"error_rate": 0.1, "status": 429, "retry_after": 1},
    {"error_rate": 0.05, "status": 429},
    {"error_rate": 0.15, "status": 400},
    {"hang_rate": 0.05},
    {"reset_rate": 0.15},
    {"stream_error_rate": 0.25},
    {"malformed_rate": 0.15},
    {"empty_rate": 0.15},
    {"wrong_type_rate": 0.15},
    {"drip_rate": 0.1, "drip_seconds": 3},
    {"error_rate": 0.05, "reset_rate": 0.05, "malformed_rate": 0.05, "hang_rate": 0.03},
)
OUTAGE = {"error_rate": 1.0, "status": 529}


@dataclass(slots=True)
class Tally:
    """What users saw."""

    requests: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def note(self, family: str, attempt: str, status: int, code: str | None, took: float) -> None:
        """Count one answer as the service should have."""
        kind = f"{status // 100}xx"
        origin = {"2xx": "none", "4xx": "client"}.get(kind) or ORIGINS.get(code or "", "app")
        self.requests[family, kind, origin, attempt] += 1
        self.slowest = max(self.slowest, took)
        if kind == "5xx" and code not in ORIGINS:
            self.wrong.append(f"{family} {status} {code}")
        if took > DEADLINE + SLACK:
            self.wrong.append(f"{family} {status} after {took:.1f} s")


class User:
    """Asks at random, one thing after the other."""

    def __init__(self, number: int, url: str, tally: Tally) -> None:
        self._random = random.Random(f"soak/{number}")  # noqa: S311
        self._number = number
        self._url = url
        self._tally = tally
        self._count = 0

    async def run(self, ends: float) -> None:
        """Ask until the end; every other user keeps its connections."""
        keep = httpx2.AsyncClient(base_url=self._url, timeout=DEADLINE + 10)
        try:
            while time.monotonic() < ends:
                if self._number % 2:
                    await self._ask(keep)
                else:
                    async with httpx2.AsyncClient(base_url=self._url, timeout=30) as fresh:
                        await self._ask(fresh)
                await asyncio.sleep(self._random.expovariate(1 / 0.05))
        finally:
            await keep.aclose()

    async def _ask(self, client: httpx2.AsyncClient) -> None:
        family, path, body = self._what()
        attempt = "retry" if self._random.random() < 0.1 else "first"
        headers = {"X-Retry-Count": "1"} if attempt == "retry" else {}
        began = time.monotonic()
        try:
            answer = await client.post(path, content=body, headers=headers)
        except httpx2.HTTPError as error:
            self._tally.wrong.append(f"{family} {type(error).__name__}")
            return
        status, code = _verdict(answer)
        self._tally.note(family, attempt, status, code, time.monotonic() - began)

    def _what(self) -> tuple[str, str, bytes]:
        self._count += 1
        dice = self._random.random()
        if dice < 0.1:
            name = "Coin" if dice < 0.08 else "Other"
            shape = self._random.choice(["cs", "unitypackage"])
            document: dict[str, Any] = {"code": CODE, "scriptName": name, "format": shape}
            return "export", EXPORT, json.dumps(document).encode()
        if dice < 0.13:
            return "generate", GENERATE, self._random.choice([b"{", b"{}", b'{"prompt": ""}'])
        number = self._random.randrange(30) if dice < 0.3 else self._count
        prompt = f"Create a coin called Coin{self._number if dice >= 0.3 else ''}x{number}"
        document = {"prompt": prompt, "stream": self._random.random() < 0.4}
        return "generate", GENERATE, json.dumps(document).encode()


def _verdict(answer: httpx2.Response) -> tuple[int, str | None]:
    """The status that a user would say it was: a stream's error counts as its own status."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        name, data = harness.parse_events(answer.text)[-1]
        if name == "error":
            return int(data["status"]), str(data["code"])
        assert name == "result"
        return 200, None
    if answer.status_code >= 400:
        return answer.status_code, str(answer.json().get("code"))
    return answer.status_code, None


async def _weather(providers: harness.Providers, ends: float) -> None:
    """Another fault every few seconds, of either provider or both; sometimes one is all down."""
    chance = random.Random("weather")  # noqa: S311
    while time.monotonic() < ends:
        plan: dict[str, Any] = {name: {"latency": {"median": 0.02}} for name in harness.NAMES}
        for name in chance.choice([[], ["anthropic"], ["anthropic"], ["openai"], harness.NAMES]):
            plan[name] = plan[name] | chance.choice(FAULTS)
        if chance.random() < 0.1:
            plan["anthropic"] = OUTAGE
        await providers.faults(seed=chance.randrange(1000), **plan)
        await asyncio.sleep(3)


def _resident(pid: int) -> float:
    """Resident memory in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.timeout(SECONDS + 120)
async def test_every_count_is_the_users_own(providers: harness.Providers) -> None:
    environment = {
        "OPENAI_API_KEY": "openai-key",
        "OPENAI_BASE_URL": f"{providers.url}/v1",
        "SPARK_DEADLINE_SECONDS": str(DEADLINE),
        "SPARK_CACHE_SECONDS": "10",
    }
    tally = Tally()
    with harness.spark_process(providers.url, **environment) as spark:
        began = time.monotonic()
        users = [User(number, spark.url, tally).run(began + SECONDS) for number in range(USERS)]
        work = asyncio.gather(_weather(providers, began + SECONDS), *users)
        await asyncio.sleep(SECONDS / 2)
        half = _resident(spark.process.pid)
        await work
        full = _resident(spark.process.pid)
        async with httpx2.AsyncClient(base_url=spark.url) as client:
            metrics = harness.parse_metrics((await client.get("/api/metrics")).text)
    total = sum(tally.requests.values())
    print(
        f"\nsoak: {SECONDS:.0f} s, {total} requests, {dict(tally.requests)},"
        f" slowest {tally.slowest:.2f} s, memory {half:.0f} then {full:.0f} MiB"
    )
    assert tally.wrong == []
    for family in ("generate", "export"):
        counted = {
            (family, kind, origin, attempt): value
            for kind in ("2xx", "4xx", "5xx")
            for origin in ("none", "client", "app", "provider")
            for attempt in ("first", "retry")
            if (
                value := harness.counted(
                    metrics,
                    f"api_{family}_total",
                    status_class=kind,
                    origin=origin,
                    attempt=attempt,
                )
            )
        }
        assert counted == {key: n for key, n in tally.requests.items() if key[0] == family}
    assert metrics["spark_inflight_requests"] == 0
    assert tally.requests["generate", "2xx", "none", "first"] > SECONDS
    assert tally.requests["generate", "5xx", "provider", "first"] > SECONDS / 20
    assert full - half < 16 + 0.1 * half
