"""One task for each resource, that sleeps until it is woken, due, or stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from zlib import crc32

from spark_operator.concurrency.turnstile import Turnstile, Waiter
from spark_operator.core.apply.diff import StaleDecisionError
from spark_operator.ports.cluster import ClusterError, ConflictError, Key, RefusedError
from spark_operator.reconcile.gather import RESYNC_SECONDS, must_read, resync
from spark_operator.reconcile.memory import Memory, ReconcileResult
from spark_operator.reconcile.urgency import AT_ONCE, Urgency, of_phase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from spark_operator.ports.clock import Clock
    from spark_operator.reconcile.reconciler import Reconciler

FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 5.0
LONGEST_REFUSED_DELAY: Final = 60.0
"""The same where a child is refused, which takes somebody to correct, and nothing is under way."""
LONGEST_URGENT_DELAY: Final = 1.0
"""The same while something is under way: once the API server is back, a cut may wait 2 s."""
SPACING: Final = 0.2
"""Seconds from the beginning of a reconcile to one that is woken, which reads all there is anew.

Not after a reconcile that failed: what it decided, maybe to cut traffic, is not stored yet.
"""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """One resource's task and what it is told."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    reconcile_began: float | None = None
    urgency: Urgency = Urgency.AT_REST
    waiter: Waiter | None = None
    """While it waits for its place, or has it."""


class Workers:
    """Runs reconciles, one at a time for each resource, many resources side by side."""

    def __init__(
        self,
        reconciler: Reconciler,
        clock: Clock,
        observer: Callable[[Key, float, str, ReconcileResult | None], None],
        waited: Callable[[Urgency, float], None] = lambda _, __: None,
        *,
        resync_seconds: float = RESYNC_SECONDS,
    ) -> None:
        """Make workers without any resource.

        Args:
            reconciler: what they run.
            clock: the time.
            observer: told key, seconds, outcome and result of every reconcile, for metrics.
            resync_seconds: how often a resource is read that nothing woke, as the reconciler's.
            waited: told for how many seconds a reconcile that reads waited for its place.
        """
        self._reconciler = reconciler
        self._clock = clock
        self._observer = observer
        self._waited = waited
        self._resync = resync_seconds
        self._turnstile = Turnstile([AT_ONCE[urgency] for urgency in Urgency])
        self._entries: dict[Key, _Entry] = {}
        self._stopping = False

    def wake(self, key: Key, urgency: Urgency = Urgency.AT_REST) -> None:
        """Something about this resource may have changed; it is this urgent at least."""
        if self._stopping or not key.name:
            # A name from outside, such as an empty label, names no resource.
            return
        entry = self._entries.setdefault(key, _Entry())
        entry.wake.set()
        entry.urgency = min(entry.urgency, urgency)
        if entry.waiter is not None:
            self._turnstile.hurry(entry.waiter, entry.urgency)
        if entry.task is None:
            entry.task = asyncio.create_task(self._run(key, entry), name=f"reconcile {key}")

    def waiting(self, urgency: Urgency) -> int:
        """How many reconciles wait for their place now."""
        return self._turnstile.waiting(urgency)

    def longest_reconcile(self) -> float:
        """Return the seconds that the oldest reconcile under way has taken."""
        now = self._clock.now()
        began = [entry.reconcile_began for entry in self._entries.values() if entry.reconcile_began]
        return max((now - since for since in began), default=0.0)

    async def stop(self) -> None:
        """End all tasks; a reconcile under way is cancelled, the next start heals what it left."""
        self._stopping = True
        tasks = [entry.task for entry in self._entries.values() if entry.task]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._entries.clear()

    async def _run(self, key: Key, entry: _Entry) -> None:
        memory, delay, woken, urgent = Memory(), FIRST_DELAY, True, True
        while True:
            async with self._place(key, entry, memory, woken=woken):
                # What changed while it waited is read now, too.
                woken = woken or entry.wake.is_set()
                entry.wake.clear()
                began = asyncio.get_running_loop().time()
                result, outcome = await self._reconcile(key, entry, memory, woken=woken)
            if result is None and outcome == "gone":
                if not entry.wake.is_set():
                    self._entries.pop(key, None)
                    return
                memory, woken = Memory(), True
                continue
            memory = replace(memory, snapshot=None) if result is None else result.memory
            due = result.next_due if result else None
            if result is not None:
                # A wake meanwhile may have said that it is more urgent than what was seen.
                asked = entry.urgency if entry.wake.is_set() else Urgency.AT_REST
                entry.urgency = min(asked, _urgency(result))
                urgent = due is not None and due - self._clock.now() <= LONGEST_DELAY
            if outcome == "done":
                delay = FIRST_DELAY
            else:
                again = self._clock.now() + delay
                due = again if due is None else min(due, again)
                delay = min(delay * 2, LONGEST_URGENT_DELAY if urgent else _longest(result))
            woken = await self._wait(entry, due, resync(memory, self._resync) * spread(key))
            if woken and outcome == "done":
                await asyncio.sleep(began + SPACING - asyncio.get_running_loop().time())

    @asynccontextmanager
    async def _place(
        self, key: Key, entry: _Entry, memory: Memory, *, woken: bool
    ) -> AsyncIterator[None]:
        """Hold a place for a reconcile that reads; others cost the API server next to nothing."""
        now = self._clock.now()
        if not must_read(memory, now, woken=woken, resync_seconds=self._resync):
            yield
            return
        began = asyncio.get_running_loop().time()
        entry.waiter = waiter = Waiter(entry.urgency, key.namespace)
        try:
            async with self._turnstile.held(waiter):
                self._waited(Urgency(waiter.rank), asyncio.get_running_loop().time() - began)
                yield
        finally:
            entry.waiter = None

    async def _reconcile(
        self, key: Key, entry: _Entry, memory: Memory, *, woken: bool
    ) -> tuple[ReconcileResult | None, str]:
        entry.reconcile_began = began = self._clock.now()
        result: ReconcileResult | None = None
        outcome = "failed"
        try:
            result = await self._reconciler.reconcile(key, memory, woken=woken)
            outcome = "gone" if result is None else "done"
            if result is not None and result.failure is not None:
                conflict = isinstance(result.failure, ConflictError)
                outcome = "conflict" if conflict else "failed"
                # Somebody wrote it meanwhile, most often a controller its status
                level = logging.INFO if conflict else logging.WARNING
                log.log(level, "%s: a child was not written: %s", key, result.failure)
        except (ConflictError, StaleDecisionError) as error:
            outcome = "conflict"
            log.info("%s: deciding again: %s", key, error)
        except ClusterError as error:
            log.warning("%s: trying again: %s", key, error)
        except Exception:
            log.exception("%s: a reconcile failed unexpectedly; it is tried again", key)
        finally:
            entry.reconcile_began = None
            self._tell(key, self._clock.now() - began, outcome, result)
        return result, outcome

    def _tell(self, key: Key, seconds: float, outcome: str, result: ReconcileResult | None) -> None:
        try:
            self._observer(key, seconds, outcome, result)
        except Exception:
            log.exception("%s: a reconcile could not be counted", key)

    async def _wait(self, entry: _Entry, due: float | None, longest: float) -> bool:
        """Sleep until woken or due, ``longest`` seconds at most; whether to read anew."""
        now = self._clock.now()
        seconds = longest if due is None else max(0.0, min(due - now, longest))
        try:
            async with asyncio.timeout(seconds):
                await entry.wake.wait()
        except TimeoutError:
            return due is None or seconds == longest
        return True


def spread(key: Key) -> float:
    """Return a factor from 0.5 to 1 that is a resource's own: what is regular comes apart."""
    return 0.5 + crc32(str(key).encode()) / 2**33


def _urgency(result: ReconcileResult) -> Urgency:
    return of_phase(result.statuses[1].phase) if result.statuses else Urgency.UNDER_WAY


def _longest(result: ReconcileResult | None) -> float:
    """Return the longest delay after a failure, in seconds, while nothing is under way."""
    refused = result is not None and isinstance(result.failure, RefusedError)
    return LONGEST_REFUSED_DELAY if refused else LONGEST_DELAY
