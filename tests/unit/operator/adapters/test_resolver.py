"""Names that users wrote: one namespace's silent name server holds up nobody else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from spark_operator.adapters.resolver import (
    AT_ONCE,
    MOST_WAITING,
    ForbiddenAddressError,
    Resolver,
    UnresolvedError,
    known_addresses,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = ipaddress.ip_address("10.1.2.3")


class Names:
    """A name server that answers about ``good…`` and never about ``silent…`` until let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.let_go = threading.Event()

    def __call__(self, host: str, port: int) -> list[str]:
        del port
        self.asked.append(host)
        if host.startswith("silent"):
            self.let_go.wait(20)
        if host.startswith("unknown"):
            raise socket.gaierror
        return ["169.254.169.254"] if host.startswith("bad") else [str(GOOD), str(GOOD)]


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    yield made
    made.let_go.set()


async def test_a_name_is_looked_up_once_and_its_addresses_are_given_once(names: Names) -> None:
    assert await Resolver(look_up=names).resolve("a", "good", 443) == [GOOD]
    assert names.asked == ["good"]


async def test_an_address_is_not_looked_up(names: Names) -> None:
    assert await Resolver(look_up=names).resolve("a", "10.1.2.3", 443) == [GOOD]
    assert names.asked == []


@pytest.mark.parametrize("host", ["bad", "169.254.169.254", "::ffff:169.254.169.254"])
async def test_where_nothing_may_be_sent_is_no_address(names: Names, host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="nothing may be sent to"):
        await Resolver(look_up=names).resolve("a", host, 80)


async def test_an_unknown_name(names: Names) -> None:
    with pytest.raises(UnresolvedError, match="unknown has no address: check the name"):
        await Resolver(look_up=names).resolve("a", "unknown", 80)


async def test_one_namespace_without_answers_does_not_hold_up_another(names: Names) -> None:
    resolver = Resolver(look_up=names)
    hanging = [
        asyncio.create_task(resolver.resolve("evil", f"silent{number}", 80)) for number in range(50)
    ]
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert await resolver.resolve("good", "good", 80) == [GOOD]
    assert len([host for host in names.asked if host.startswith("silent")]) <= AT_ONCE
    names.let_go.set()
    assert await asyncio.gather(*hanging) == [[GOOD]] * 50


async def test_who_stops_waiting_leaves_the_look_up_to_others(names: Names) -> None:
    resolver = Resolver(look_up=names)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await resolver.resolve("evil", "silent", 80)
    waiting = asyncio.create_task(resolver.resolve("evil", "silent", 80))
    await asyncio.sleep(0)
    names.let_go.set()
    assert await waiting == [GOOD]
    assert names.asked == ["silent"]


async def test_one_namespace_cannot_queue_without_end(names: Names) -> None:
    resolver = Resolver(look_up=names)
    hanging = [
        asyncio.create_task(resolver.resolve("evil", f"silent{number}", 80))
        for number in range(MOST_WAITING)
    ]
    await asyncio.sleep(0)
    with pytest.raises(UnresolvedError, match="evil waits for too many"):
        await resolver.resolve("evil", "good", 80)
    assert await resolver.resolve("good", "good", 80) == [GOOD]
    names.let_go.set()
    await asyncio.gather(*hanging)
    assert await resolver.resolve("evil", "good", 80) == [GOOD]


def test_the_api_servers_own_addresses(names: Names) -> None:
    assert known_addresses("good", names) == {GOOD}
    assert known_addresses("unknown", names) == frozenset()
