"""Requests to every pod of a stage by itself, from this machine, with keys of one's own."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import httpx

from spark_operator.core.model.labels import OWNER_LABEL
from tests.e2e.support.stage import NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.e2e.support.stage import Stage

EVERY_SECONDS = 0.25
PORT = 3000
EXPORT = {"code": "public class A { }\n", "scriptName": "A"}


class Answer(NamedTuple):
    """One pod's answer to one key, and when it was asked, in seconds since the epoch."""

    at: float
    pod: str
    key: str
    status: int


@dataclass
class KeyProbe:
    """Asks every pod with every key, four times a second."""

    addresses: dict[str, str]
    keys: tuple[str, ...]
    answers: list[Answer] = field(default_factory=list)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
            while True:
                asks = [(pod, key) for pod in self.addresses for key in self.keys]
                await asyncio.gather(*(self._ask(client, pod, key) for pod, key in asks))
                await asyncio.sleep(EVERY_SECONDS)

    async def _ask(self, client: httpx.AsyncClient, pod: str, key: str) -> None:
        at = time.time()
        url = f"http://{self.addresses[pod]}:{PORT}/api/export"
        answer = await client.post(url, json=EXPORT, headers={"X-API-Key": key})
        self.answers.append(Answer(at, pod, key, answer.status_code))

    def of(self, key: str, since: float = 0.0) -> list[Answer]:
        """The answers to a key that was sent after a time."""
        return [item for item in self.answers if item.key == key and item.at >= since]

    async def until(self, key: str, *wanted: int, seconds: float = 60.0) -> float:
        """Wait until every pod answers a key so: seconds since the epoch of the last to begin.

        Raises:
            TimeoutError: not every one did.
        """
        async with asyncio.timeout(seconds):
            while True:
                last = {item.pod: item for item in self.of(key)}
                if len(last) == len(self.addresses) and all(
                    item.status in wanted for item in last.values()
                ):
                    return max(self._began(pod, key, wanted) for pod in self.addresses)
                await asyncio.sleep(EVERY_SECONDS)

    def _began(self, pod: str, key: str, wanted: tuple[int, ...]) -> float:
        mine = [item for item in self.of(key) if item.pod == pod]
        other = max((item.at for item in mine if item.status not in wanted), default=0.0)
        return min(item.at for item in mine if item.at > other)


async def eventually(look: Callable[[], Awaitable[bool]], *, seconds: float = 60.0) -> None:
    """Look again and again until it is so.

    Raises:
        TimeoutError: it never was.
    """
    async with asyncio.timeout(seconds):
        while True:
            if await look():
                return
            await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def probing(stage: Stage, *keys: str) -> AsyncIterator[KeyProbe]:
    """A probe of the pods that serve now."""
    probe = KeyProbe(await addresses(stage), keys)
    task = asyncio.create_task(probe.run())
    try:
        yield probe
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def addresses(stage: Stage) -> dict[str, str]:
    """Addresses of the pods that serve and are not on their way out, by name."""
    pods = await stage.listed("pods", f"{OWNER_LABEL}={NAME}")
    return {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("podIP")
    }


async def orders(stage: Stage) -> list[tuple[str, ...]]:
    """Which provider each pod asks first, by its own health check."""
    found = await addresses(stage)
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
        asked = (client.get(f"http://{ip}:{PORT}/api/spark/health") for ip in found.values())
        answers = await asyncio.gather(*asked)
    return [tuple(answer.json()["provider_order"]) for answer in answers]
