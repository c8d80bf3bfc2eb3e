"""An event loop on virtual time: where it would sleep, its clock jumps.

Built from asyncio's public parts: a selector that never waits, and the loop's ``time``.
"""

from __future__ import annotations

import asyncio
import selectors
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed import FileDescriptorLike

EPOCH = 1_767_225_600.0
"""Wall-clock time at the beginning of every history: 2026-01-01T00:00:00Z."""


class DeadlockError(Exception):
    """Every task waits for another, and no timer is set."""


class _JumpingSelector(selectors.BaseSelector):
    """Reports no file ready, and lets virtual time pass instead of waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, len(self._keys), events, data)
        self._keys[id(fileobj)] = key
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._keys.pop(id(fileobj))

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return {}

    def get_key(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._keys[id(fileobj)]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadlockError("nothing is left that could happen")
        self.now += max(0.0, timeout)
        return []

    def close(self) -> None:
        self._keys.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs callbacks in the order of their virtual time."""

    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.now


class VirtualClock:
    """The ``Clock`` port on a loop's virtual time, optionally set wrong by ``skew`` seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, skew: float = 0.0) -> None:
        self._loop = loop
        self._skew = skew

    def now(self) -> float:
        """Seconds since the epoch."""
        return EPOCH + self._skew + self._loop.time()


@contextmanager
def virtual_loop() -> Iterator[VirtualLoop]:
    """A loop that is closed at the end, with every task still there cancelled."""
    loop = VirtualLoop()
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(_settled())
        loop.close()


async def _settled() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    await asyncio.gather(*others, return_exceptions=True)
