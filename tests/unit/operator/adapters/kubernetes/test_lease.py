"""Leadership: who may take a lease, who must stop, and that clocks may differ."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from spark_operator.adapters.kubernetes import election
from spark_operator.adapters.kubernetes import lease as adapter
from spark_operator.adapters.kubernetes.election import (
    LEASE_SECONDS,
    RENEW_SECONDS,
    RETRY_SECONDS,
    fresh,
    may_take,
    released,
    sight,
    taken,
)
from spark_operator.adapters.kubernetes.lease import LeadershipLostError, Lease
from spark_operator.ports.cluster import ConflictError, UnavailableError
from tests.unit.operator.core.builders import NOW
from tests.unit.operator.reconcile.cluster import FixedClock


def stored(version: str = "1") -> dict[str, Any]:
    made = fresh("spark-system", "spark-operator")
    made["metadata"]["resourceVersion"] = version
    return made


def test_a_leader_stops_before_another_may_begin() -> None:
    assert RENEW_SECONDS + RETRY_SECONDS < LEASE_SECONDS


def test_a_free_lease_may_be_taken_and_says_by_whom() -> None:
    lease = stored()
    assert may_take(lease, sight(lease, None, 0.0), "one", 0.0)
    spec = taken(lease, "one", NOW + 0.25)["spec"]
    assert spec == {
        "holderIdentity": "one",
        "leaseDurationSeconds": LEASE_SECONDS,
        "leaseTransitions": 1,
        "acquireTime": "2023-11-14T22:13:20.250000Z",
        "renewTime": "2023-11-14T22:13:20.250000Z",
    }


def test_a_renewal_is_no_transition() -> None:
    first = taken(stored(), "one", NOW)
    again = taken(first, "one", NOW + 5)["spec"]
    assert again["leaseTransitions"] == 1
    assert again["acquireTime"] == "2023-11-14T22:13:20.000000Z"
    assert again["renewTime"] == "2023-11-14T22:13:25.000000Z"


def test_another_s_lease_is_taken_only_after_it_stood_still_for_its_whole_duration() -> None:
    """By our own clock since we first saw it: what its holder wrote as time is not looked at."""
    lease = taken(stored(), "one", NOW - 9_999)
    seen = sight(lease, None, 100.0)
    assert not may_take(lease, seen, "two", 100.0)
    assert not may_take(lease, seen, "two", 100.0 + LEASE_SECONDS)
    assert may_take(lease, seen, "two", 100.1 + LEASE_SECONDS)
    lease["metadata"]["resourceVersion"] = "2"
    seen = sight(lease, seen, 100.1 + LEASE_SECONDS)
    assert not may_take(lease, seen, "two", 100.1 + LEASE_SECONDS)


def test_a_released_lease_is_free_at_once() -> None:
    lease = released(taken(stored(), "one", NOW))
    assert may_take(lease, sight(lease, None, 0.0), "two", 0.0)


class Server:
    """One lease behind compare and swap, and an API server that can be away."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.away = False
        self.asked: list[str] = []

    async def get(self, _: str) -> dict[str, Any] | None:
        self.asked.append("GET")
        if self.away:
            raise UnavailableError("away")
        return self.lease

    async def request(self, method: str, _: str, body: Any) -> dict[str, Any]:
        self.asked.append(method)
        if self.away:
            raise UnavailableError("away")
        current = self.lease["metadata"]["resourceVersion"] if self.lease else None
        if method == "PUT" and body["metadata"]["resourceVersion"] != current:
            raise ConflictError("changed")
        if method == "POST" and self.lease is not None:
            raise ConflictError("exists")
        self.version += 1
        meta = {**body["metadata"], "resourceVersion": str(self.version)}
        self.lease = {**body, "metadata": meta}
        return self.lease


class Replica:
    """A replica's lease with a monotonic clock of its own."""

    def __init__(self, server: Server, identity: str, at: float = 0.0) -> None:
        self.at = at
        self.lease = Lease(
            server.get,
            server.request,
            FixedClock(),
            namespace="spark-system",
            name="spark-operator",
            identity=identity,
            monotonic=lambda: self.at,
        )


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "RETRY_SECONDS", 0.0)


async def acquires(replica: Replica) -> bool:
    try:
        async with asyncio.timeout(0.05):
            await replica.lease.acquire()
    except TimeoutError:
        return False
    return True


async def test_one_leads_and_the_other_waits_until_it_gives_up() -> None:
    server = Server()
    one, two = Replica(server, "one"), Replica(server, "two", at=5_000.0)
    assert await acquires(one)
    assert one.lease.leads()
    assert not await acquires(two)
    assert not two.lease.leads()
    await one.lease.release()
    assert await acquires(two)


async def test_a_leader_that_cannot_renew_stops_before_the_other_takes_over() -> None:
    server = Server()
    one, two = Replica(server, "one"), Replica(server, "two")
    assert await acquires(one)
    assert not await acquires(two)
    server.away = True
    one.at = RENEW_SECONDS + 0.1
    assert not one.lease.leads()
    with pytest.raises(LeadershipLostError, match="was not renewed for 6 s"):
        await one.lease.keep()
    server.away, two.at = False, LEASE_SECONDS + 0.1
    assert await acquires(two)
    one.at = LEASE_SECONDS + 0.2
    await one.lease.release()
    assert server.lease is not None
    assert server.lease["spec"]["holderIdentity"] == "two", "a lease of another is not released"


async def test_an_answer_that_comes_late_does_not_prolong_leadership() -> None:
    """The renewal counts from when it was asked for, not from when it was answered."""
    server = Server()
    one = Replica(server, "one")

    async def slow(method: str, path: str, body: Any) -> dict[str, Any]:
        one.at += RENEW_SECONDS + 1
        return await server.request(method, path, body)

    one.lease._request = slow
    await acquires(one)
    assert not one.lease.leads()
    assert adapter.LEASE.path("ns", "x") == "/apis/coordination.k8s.io/v1/namespaces/ns/leases/x"


async def test_a_renewal_is_one_request() -> None:
    """Two in a row would need a busy API server to answer in half the time."""
    server = Server()
    one = Replica(server, "one")
    assert await acquires(one)
    server.asked.clear()
    for _ in range(3):
        assert await one.lease._try()
    assert server.asked == ["PUT"] * 3


async def test_a_lease_that_somebody_changed_is_looked_at_before_it_is_renewed() -> None:
    server = Server()
    one = Replica(server, "one")
    assert await acquires(one)
    server.version += 1
    assert server.lease is not None
    meta = {**server.lease["metadata"], "resourceVersion": str(server.version)}
    server.lease = {**server.lease, "metadata": meta}
    server.asked.clear()
    assert await one.lease._try()
    assert server.asked == ["PUT", "GET", "PUT"]


async def test_one_that_another_took_is_not_written_over() -> None:
    server = Server()
    one, two = Replica(server, "one"), Replica(server, "two")
    assert await acquires(one)
    await one.lease.release()
    assert await acquires(two)
    assert not await one.lease._try()
    assert server.lease is not None
    assert server.lease["spec"]["holderIdentity"] == "two"


async def test_after_a_try_that_hung_the_next_follows_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            server.away = True
            one.at += 1e6

    monkeypatch.setattr(election, "RETRY_SECONDS", 1.5)
    server = Server()
    one = Replica(server, "one")
    assert await acquires(one)
    original = server.request

    async def hang(method: str, path: str, body: Any) -> dict[str, Any]:
        one.at += 2.0
        return await original(method, path, body)

    one.lease._request = hang
    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(LeadershipLostError):
        await one.lease.keep()
    assert slept == [1.5, 0.0]
