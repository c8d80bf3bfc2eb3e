"""Names that users wrote become addresses: once, checked, and on threads of their own.

The system's resolver blocks a thread until the name server answers, for many seconds if it never
does. Every namespace has a few threads, so that it can only hold up itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from spark_operator.adapters.addresses import Address, is_forbidden

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    LookUp = Callable[[str, int], list[str]]

AT_ONCE: Final = 2
"""Look-ups of one namespace under way."""
MOST_WAITING: Final = 64
"""Different hosts of one namespace that are looked up or wait for it."""
MOST_AT_ONCE: Final = 256
"""Look-ups under way of all namespaces."""


class UnresolvedError(Exception):
    """A host's name has no address; the message names the host."""


class ForbiddenAddressError(Exception):
    """A host is at an address that nothing may be sent to; the message names the host."""


@dataclass(slots=True)
class _Line:
    """One namespace's look-ups: those that have a thread, and who else wants each of them."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    asked: dict[tuple[str, int], asyncio.Task[list[Address]]] = field(default_factory=dict)


def system_look_up(host: str, port: int) -> list[str]:
    """Ask the system's resolver; blocks.

    Raises:
        OSError: there is no such name, or nobody answers.
    """
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]).partition("%")[0] for info in infos]


def known_addresses(host: str, look_up: LookUp = system_look_up) -> frozenset[Address]:
    """Return the addresses of the host that the operator was given; blocks where it is a name.

    Returns none where the name has no address: then the operator cannot reach it either.
    """
    try:
        return frozenset(ipaddress.ip_address(text) for text in look_up(host, 443))
    except (OSError, ValueError):
        return frozenset()


class Resolver:
    """Resolves hosts for namespaces; connect to what it gives, for a name may change meanwhile."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        forbidden: Collection[Address] = frozenset(),
        look_up: LookUp = system_look_up,
    ) -> None:
        """Make a resolver.

        Args:
            loopback: addresses of this machine are allowed, for an operator outside of a cluster.
            forbidden: addresses that nothing may be sent to, beside those that are so anywhere.
            look_up: gives a host's addresses; it may block.
        """
        self._loopback = loopback
        self._forbidden = frozenset(forbidden)
        self._look_up = look_up
        self._lines: dict[str, _Line] = {}
        self._threads = 0

    async def resolve(self, namespace: str, host: str, port: int) -> list[Address]:
        """Return the addresses of a host, none of them twice.

        Raises:
            UnresolvedError: it has none.
            ForbiddenAddressError: nothing may be sent to one of them.
        """
        found = await self._addresses(namespace, host, port)
        if any(
            is_forbidden(address, loopback=self._loopback, also=self._forbidden)
            for address in found
        ):
            raise ForbiddenAddressError(f"{host} is at an address that nothing may be sent to")
        return list(dict.fromkeys(found))

    async def _addresses(self, namespace: str, host: str, port: int) -> list[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        line = self._lines.setdefault(namespace, _Line())
        task = line.asked.get((host, port))
        if task is None:
            if len(line.asked) >= MOST_WAITING:
                raise UnresolvedError(f"{host} is not looked up: {namespace} waits for too many")
            task = asyncio.create_task(self._ask(line, host, port), name=f"look up {host}")
            line.asked[host, port] = task
            task.add_done_callback(lambda _: self._forget(namespace, line, (host, port)))
        # Whoever stops waiting must not end it for the others.
        return list(await asyncio.shield(task))

    def _forget(self, namespace: str, line: _Line, question: tuple[str, int]) -> None:
        task = line.asked.pop(question)
        if not task.cancelled():
            # Nobody may have waited to the end.
            task.exception()
        if not line.asked:
            self._lines.pop(namespace, None)

    async def _ask(self, line: _Line, host: str, port: int) -> list[Address]:
        async with line.free:
            if self._threads >= MOST_AT_ONCE:
                raise UnresolvedError(f"{host} is not looked up: too many look-ups are under way")
            self._threads += 1
            try:
                texts = await _on_a_thread(self._look_up, host, port)
                return [ipaddress.ip_address(text) for text in texts]
            except (OSError, ValueError):
                raise UnresolvedError(f"{host} has no address: check the name") from None
            finally:
                self._threads -= 1


async def _on_a_thread(look_up: LookUp, host: str, port: int) -> list[str]:
    """Run a look-up on a thread that the process does not wait for when it ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def tell(error: Exception | None, found: list[str]) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(found)
        else:
            future.set_exception(error)

    def work() -> None:
        error: Exception | None = None
        found: list[str] = []
        try:
            found = look_up(host, port)
        except Exception as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(tell, error, found)
        except RuntimeError:
            return

    threading.Thread(target=work, name=f"look up {host}", daemon=True).start()
    return await future
