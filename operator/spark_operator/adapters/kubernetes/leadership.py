"""The Lease on a thread of its own: no load and no slow handler of the operator can lose it."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self, TypeVar

from spark_operator.adapters.kubernetes.lease import LeadershipLostError
from spark_operator.concurrency.ending import end_process, end_within

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Any

    from spark_operator.adapters.kubernetes.lease import Lease

STOP_SECONDS: Final = 5.0
"""How long a process that has lost its Lease may take to end by itself."""
CLOSE_SECONDS: Final = 2.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Leadership:
    """This process' claim to lead, kept beside everything else that it does.

    Use it as an async context manager.  Once the Lease is lost, the process has ``stop_seconds``
    to end by itself; then it is ended, for what hangs in it could go on for ever.

    Args:
        lease: opens the Lease with a connection of its own, in the thread's event loop.
        stop_seconds: see above.
        end: ends the process.
    """

    def __init__(
        self,
        lease: Callable[[], AbstractAsyncContextManager[Lease]],
        *,
        stop_seconds: float = STOP_SECONDS,
        end: Callable[[], None] = end_process,
    ) -> None:
        self._open = lease
        self._stop_seconds = stop_seconds
        self._end = end
        self._loop = asyncio.new_event_loop()
        # Not waited for when the process ends: it may be the one to end it.
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._lease: Lease | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the thread, and open the Lease in it.

        Raises:
            OSError: the API server's address or credentials cannot be read.
        """
        self._thread.start()
        self._lease = await self._there(self._stack.enter_async_context(self._open()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection and end the thread, within a bound."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._there(self._stack.aclose())
        except TimeoutError:
            log.info("the lease's connection was not closed in time")
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def acquire(self) -> None:
        """Wait until this process leads."""
        await self._there(self._claim().acquire())

    async def keep(self) -> None:
        """Renew until leadership is lost.

        Raises:
            LeadershipLostError: the lease was not renewed within its deadline; this process is
                ended soon, unless it ends before.
        """
        await self._there(self._keep())

    def leads(self) -> bool:
        """Whether the last renewal is recent enough to act on; callable from any thread."""
        return self._lease is not None and self._lease.leads()

    async def release(self) -> None:
        """Give the lease up, if this process holds it."""
        await self._there(self._claim().release())

    async def _keep(self) -> None:
        try:
            await self._claim().keep()
        except LeadershipLostError as error:
            log.critical("%s; this process ends", error)
            end_within(self._stop_seconds, self._end)
            raise
        except Exception:
            end_within(self._stop_seconds, self._end)
            raise

    def _claim(self) -> Lease:
        if self._lease is None:
            raise RuntimeError("the lease is not open: use Leadership as a context manager")
        return self._lease

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the thread's event loop; cancelled there when cancelled here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()
