"""The receiver over real sockets: who may post what, how much, how often, and what comes back."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from spark_operator.adapters.alerts.inbox import Inbox
from spark_operator.adapters.alerts.receiver import BURST, MAX_BODY_BYTES, Receiver
from spark_operator.core.observe.values import Alert
from spark_operator.ports.cluster import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "a-token-of-the-test"
SPARK = Key("production", "spark")
JSON = {"Content-Type": "application/json"}


@dataclass
class Desk:
    """A receiver, and what decides about its alerts."""

    url: str
    inbox: Inbox
    token: Path
    clock: FixedClock
    leads: bool = True
    woken: list[Key] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    decides: bool = True
    looked_at: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self, key: Key) -> None:
        self.woken.append(key)
        self.looked_at.set()
        if self.decides:
            pending = self.inbox.pending(key)
            self.inbox.settle(key, [(alert, "Held") for alert in pending])


@dataclass
class FixedClock:
    at: float = 1_795_505_400.0

    def now(self) -> float:
        return self.at


@asynccontextmanager
async def receiving(
    tmp_path: Path, **settings: Any
) -> AsyncIterator[tuple[Desk, httpx.AsyncClient]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    desk = Desk(f"http://127.0.0.1:{port}/alerts/v4", Inbox(), token, FixedClock())
    receiver = Receiver(
        desk.inbox,
        desk.clock,
        token,
        port=port,
        leads=lambda: desk.leads,
        wake=desk.wake,
        observer=desk.outcomes.append,
        **settings,
    )
    await receiver.start()
    headers = JSON | {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=10) as client:
            yield desk, client
    finally:
        await receiver.stop()


def payload(*names: str, namespace: str = "production", count: int = 1) -> bytes:
    alerts = [
        {
            "status": "firing",
            "labels": {"namespace": namespace, "spark_deployment": name, "alertname": "A"},
            "startsAt": "2026-11-24T07:30:00Z",
            "fingerprint": f"{number:016x}",
        }
        for name in names or ("spark",)
        for number in range(count)
    ]
    return json.dumps({"version": "4", "alerts": alerts}).encode()


async def test_a_good_request_is_answered_once_it_is_dealt_with(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        answer = await client.post(desk.url, content=payload(count=3))
        assert (answer.status_code, answer.json()) == (200, {"outcomes": {"Held": 3}})
        assert (set(desk.woken), desk.outcomes) == ({SPARK}, ["Held"] * 3)
        assert desk.inbox.pending(SPARK) == ()


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
async def test_without_the_token_nothing_is_read(tmp_path: Path, given: str) -> None:
    async with receiving(tmp_path) as (desk, client):
        answer = await client.post(desk.url, content=b"{" * 10, headers={"Authorization": given})
        assert answer.status_code == 401
        assert TOKEN not in answer.text
        assert desk.woken == []


async def test_the_token_is_read_anew_and_a_missing_one_lets_nobody_in(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        desk.token.write_text("rotated")
        assert (await client.post(desk.url, content=payload())).status_code == 401
        new = {"Authorization": "Bearer rotated"}
        assert (await client.post(desk.url, content=payload(), headers=new)).status_code == 200
        for gone in ("", "\n"):
            desk.token.write_text(gone)
            empty = {"Authorization": "Bearer"}
            assert (await client.post(desk.url, content=b"", headers=empty)).status_code == 401
        desk.token.unlink()
        assert (await client.post(desk.url, content=payload(), headers=new)).status_code == 401


async def test_each_refusal_has_its_status(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        text = {"Content-Type": "text/plain"}
        packed = {"Content-Encoding": "gzip"}

        async def slices() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield b" " * (MAX_BODY_BYTES // 4)

        said = [
            (await client.get(desk.url)).status_code,
            (await client.post(desk.url + "/x", content=payload())).status_code,
            (await client.post(desk.url, content=payload(), headers=text)).status_code,
            (await client.post(desk.url, content=payload(), headers=packed)).status_code,
            (await client.post(desk.url, content=b" " * (MAX_BODY_BYTES + 1))).status_code,
            (await client.post(desk.url, content=slices())).status_code,
            (await client.post(desk.url, content=payload(count=65))).status_code,
            (await client.post(desk.url, content=b'{"version":"3"}')).status_code,
        ]
        assert said == [405, 404, 415, 415, 413, 413, 422, 422]
        assert desk.woken == []


async def test_a_flood_is_limited_and_strangers_use_up_nothing(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        wrong = {"Authorization": "Bearer wrong"}
        for _ in range(int(BURST) + 5):
            await client.post(desk.url, content=b"", headers=wrong)
        said = [
            (await client.post(desk.url, content=payload())).status_code
            for _ in range(int(BURST) + 2)
        ]
        assert said == [200] * int(BURST) + [429] * 2
        desk.clock.at += 1.0
        assert (await client.post(desk.url, content=payload())).status_code == 200


async def test_another_replica_is_to_be_asked_on_another_connection(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        desk.leads = False
        answer = await client.post(desk.url, content=payload())
        assert (answer.status_code, answer.headers["Connection"]) == (503, "close")
        assert desk.woken == []


async def test_what_is_not_decided_in_time_is_to_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark_operator.adapters.alerts.receiver.DECIDE_SECONDS", 0.1)
    async with receiving(tmp_path) as (desk, client):
        desk.decides = False
        assert (await client.post(desk.url, content=payload())).status_code == 503
        assert len(desk.inbox.pending(SPARK)) == 1
        desk.decides = True
        assert (await client.post(desk.url, content=payload())).json() == {"outcomes": {"Held": 1}}


async def test_a_resource_that_does_not_exist_is_no_reason_to_come_again(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        desk.decides = False
        posting = asyncio.create_task(client.post(desk.url, content=payload("gone")))
        await desk.looked_at.wait()
        desk.inbox.forget(Key("production", "gone"))
        assert (await posting).json() == {"outcomes": {"UnknownResource": 1}}


async def test_namespaces_that_are_not_watched_are_never_looked_at(tmp_path: Path) -> None:
    async with receiving(tmp_path, namespaces=("production",)) as (desk, client):
        answer = await client.post(desk.url, content=payload(namespace="kube-system"))
        assert answer.json() == {"outcomes": {"UnknownResource": 1}}
        assert desk.woken == []


async def test_too_many_that_wait_for_one_resource_are_to_be_sent_again(tmp_path: Path) -> None:
    async with receiving(tmp_path) as (desk, client):
        desk.decides = False
        for number in range(64):
            desk.inbox.offer(SPARK, Alert(fingerprint=f"f{number:x}", name="A", starts_at=1.0))
        assert (await client.post(desk.url, content=payload())).status_code == 503
        assert len(desk.inbox.pending(SPARK)) == 64
