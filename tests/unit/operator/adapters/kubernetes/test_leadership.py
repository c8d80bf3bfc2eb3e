"""The Lease beside everything else: nothing delays a renewal, and a loss ends the process."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.adapters.kubernetes import election
from spark_operator.adapters.kubernetes.leadership import Leadership
from spark_operator.adapters.kubernetes.lease import LeadershipLostError, Lease
from spark_operator.ports.cluster import UnavailableError
from tests.unit.operator.reconcile.cluster import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

SECONDS = 10.0
"""Longest time that anything here may take; what is waited for takes a fraction of it."""


class Server:
    """One lease, asked from any thread, and an API server that can be away."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.away = self.broken = False
        self.threads: set[int] = set()
        self._renewals = 0
        self._changed = threading.Condition()

    async def get(self, _: str) -> dict[str, Any] | None:
        if self.away:
            raise UnavailableError("away")
        return self.lease

    async def request(self, _method: str, _path: str, body: Any) -> dict[str, Any]:
        if self.away:
            raise UnavailableError("away")
        if self.broken:
            raise KeyError("a bug")
        with self._changed:
            self.threads.add(threading.get_ident())
            self._renewals += 1
            meta = {**body["metadata"], "resourceVersion": str(self._renewals)}
            self.lease = {**body, "metadata": meta}
            self._changed.notify_all()
            return self.lease

    def wait_for_renewals(self, count: int) -> bool:
        """Stand still, event loop and all, until the lease was renewed so often from now on."""
        with self._changed:
            wanted = self._renewals + count
            return self._changed.wait_for(lambda: self._renewals >= wanted, SECONDS)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Lease]:
        yield Lease(
            self.get,
            self.request,
            FixedClock(),
            namespace="spark-system",
            name="spark-operator",
            identity="one",
        )


@asynccontextmanager
async def missing() -> AsyncIterator[Lease]:
    raise OSError("no such file")
    yield  # type: ignore[unreachable]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(election, "RENEW_SECONDS", 0.5)


def never() -> None:
    raise AssertionError("the process was ended")


@asynccontextmanager
async def leading(
    server: Server, end: Callable[[], None] = never, stop_seconds: float = 3600.0
) -> AsyncIterator[Leadership]:
    async with Leadership(server.open, end=end, stop_seconds=stop_seconds) as leadership:
        async with asyncio.timeout(SECONDS):
            await leadership.acquire()
        yield leadership


async def test_the_lease_is_renewed_while_the_event_loop_stands_still() -> None:
    server = Server()
    async with leading(server) as leadership:
        keeping = asyncio.create_task(leadership.keep())
        await asyncio.sleep(0)
        assert server.wait_for_renewals(20)
        assert leadership.leads()
        assert threading.get_ident() not in server.threads
        keeping.cancel()


async def test_a_process_that_has_lost_its_lease_and_hangs_is_ended() -> None:
    server, ended = Server(), threading.Event()
    async with leading(server, ended.set, stop_seconds=0.01) as leadership:
        keeping = asyncio.create_task(leadership.keep())
        await asyncio.sleep(0)
        server.away = True
        assert ended.wait(SECONDS)
        assert not leadership.leads()
        with pytest.raises(LeadershipLostError):
            await keeping


async def test_a_process_that_ends_by_itself_has_time_for_it() -> None:
    server = Server()
    async with leading(server) as leadership:
        server.away = True
        with pytest.raises(LeadershipLostError):
            async with asyncio.timeout(SECONDS):
                await leadership.keep()


async def test_what_nobody_foresaw_ends_the_process_too() -> None:
    server, ended = Server(), threading.Event()
    async with leading(server, ended.set, stop_seconds=0.0) as leadership:
        server.broken = True
        with pytest.raises(KeyError):
            await leadership.keep()
        assert ended.wait(SECONDS)


async def test_a_lease_that_is_given_up_is_free() -> None:
    server = Server()
    async with leading(server) as leadership:
        await leadership.release()
    assert server.lease is not None
    assert server.lease["spec"]["holderIdentity"] == ""


async def test_keeping_ends_where_it_is_cancelled() -> None:
    server = Server()
    async with leading(server) as leadership:
        keeping = asyncio.create_task(leadership.keep())
        await asyncio.sleep(0)
        assert server.wait_for_renewals(1)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping


async def test_an_api_server_that_cannot_be_named_is_an_error_at_once() -> None:
    with pytest.raises(OSError, match="no such file"):
        async with Leadership(missing):
            pass
