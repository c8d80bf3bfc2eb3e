"""Sends notifications from the outboxes: a task for each channel of each resource.

Nothing here is needed after a restart: the outbox is in status, and what was sent is told to the
resource's next reconcile, which takes it off.  A crash in between sends a notice again, with the
same id: at least once, and recognisable.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from spark_operator.adapters.notifiers import backoff
from spark_operator.core.notifications.routing import routes
from spark_operator.core.notifications.texts import Message
from spark_operator.ports.notifications import ChannelError, ChannelRefusedError, DeliveryReport

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.notifications.routing import ChannelRoute
    from spark_operator.ports.cluster import Key
    from spark_operator.ports.notifications import Sender

CONFIRM_SECONDS: Final = 1.0
"""Deliveries within this time are confirmed by one write of status."""
MAX_PER_SINK: Final = 4
"""Exchanges with one sink at a time, over all resources."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Line:
    """One channel of one resource: what waits for it, and how its last attempts went."""

    route: ChannelRoute
    sink: asyncio.Semaphore
    waiting: dict[str, Message] = field(default_factory=dict)
    """By the notice's id, oldest first."""
    failures: int = 0
    problem: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the channel's settings changed, which is worth a try before its time."""
    task: asyncio.Task[None] | None = None


class Notifier:
    """The ``Notices`` port."""

    def __init__(
        self,
        sender: Sender,
        wake: Callable[[Key], None],
        observer: Callable[[str, str], None],
        *,
        spread: Callable[[], float] = random.random,
    ) -> None:
        """Make an idle notifier.

        Args:
            sender: carries one message.
            wake: asks for a reconcile of a resource, which confirms what was delivered.
            observer: is told the channel's kind and ``delivered``, ``failed`` or ``dropped``.
            spread: random numbers from 0 to 1 for the back-off.
        """
        self._sender = sender
        self._wake = wake
        self._observer = observer
        self._spread = spread
        self._lines: dict[Key, dict[str, _Line]] = {}
        self._done: dict[Key, set[tuple[str, str]]] = {}
        self._dropped: dict[Key, int] = {}
        self._confirming: dict[Key, asyncio.TimerHandle] = {}
        self._sinks: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    def offer(self, key: Key, resource: SparkDeployment) -> None:
        """See ``Notices.offer``."""
        box = resource.status.notifications
        outbox = box.outbox if box else ()
        stored = {(notice.id, channel) for notice in outbox for channel in notice.pending}
        done = self._done.get(key, set()) & stored
        self._done[key] = done
        self._count_dropped(key, box.dropped if box else 0)
        if not stored:
            self._end(key)
            return
        wanted = routes(resource.spec)
        for route in wanted:
            waiting = {
                notice.id: Message.of(resource, notice)
                for notice in outbox
                if route.id in notice.pending and (notice.id, route.id) not in done
            }
            self._set(key, route, waiting)
        for name in self._lines.get(key, {}).keys() - {route.id for route in wanted}:
            self._cancel(self._lines[key].pop(name))

    def deliveries(self, key: Key) -> DeliveryReport:
        """See ``Notices.deliveries``."""
        lines = self._lines.get(key, {})
        return DeliveryReport(
            frozenset(self._done.get(key, ())),
            {name: line.problem for name, line in lines.items() if line.problem},
        )

    def forget(self, key: Key) -> None:
        """See ``Notices.forget``."""
        self._end(key)
        self._done.pop(key, None)
        self._dropped.pop(key, None)

    async def stop(self) -> None:
        """End all tasks; what they had not sent is in the outboxes."""
        tasks = [line.task for lines in self._lines.values() for line in lines.values()]
        for key in list(self._lines):
            self._end(key)
        for task in tasks:
            if task is not None:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def _count_dropped(self, key: Key, dropped: int) -> None:
        for _ in range(dropped - self._dropped.get(key, dropped)):
            self._observer("any", "dropped")
        self._dropped[key] = dropped

    def _set(self, key: Key, route: ChannelRoute, waiting: dict[str, Message]) -> None:
        lines = self._lines.setdefault(key, {})
        line = lines.get(route.id)
        if line is None:
            if not waiting:
                return
            line = lines[route.id] = _Line(route, self._sink(route))
        if line.route != route:
            line.route, line.sink = route, self._sink(route)
            line.changed.set()
        line.waiting = waiting
        if waiting and (line.task is None or line.task.done()):
            line.task = asyncio.create_task(self._run(key, line), name=f"notify {key} {route.id}")

    def _sink(self, route: ChannelRoute) -> asyncio.Semaphore:
        """What bounds the exchanges with a sink, whoever's resources they are about."""
        address = route.channel.model_dump_json(
            include={"server", "webhook_url", "routing_key", "url", "url_from"}
        )
        return self._sinks.setdefault((route.kind, address), asyncio.Semaphore(MAX_PER_SINK))

    @staticmethod
    def _cancel(line: _Line) -> None:
        if line.task is not None:
            line.task.cancel()

    def _end(self, key: Key) -> None:
        for line in self._lines.pop(key, {}).values():
            self._cancel(line)
        handle = self._confirming.pop(key, None)
        if handle is not None:
            handle.cancel()

    async def _run(self, key: Key, line: _Line) -> None:
        """Send what waits, oldest first, until nothing does."""
        while line.waiting:
            line.changed.clear()
            asked = await self._round(key, line)
            if not line.failures:
                continue
            pause = backoff.delay(line.failures, self._spread(), asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await line.changed.wait()

    async def _round(self, key: Key, line: _Line) -> float:
        """Try each waiting message once; seconds the channel asks to be left alone.

        A channel that fails is left alone at once; one that refuses a message may take the next.
        """
        failed, asked = False, 0.0
        for notice_id in tuple(line.waiting):
            message = line.waiting.get(notice_id)
            if message is None:
                continue
            try:
                async with line.sink:
                    await self._sender.send(line.route, message)
            except ChannelError as error:
                failed, asked = True, max(asked, error.retry_after)
                self._report(key, line, str(error))
                if not isinstance(error, ChannelRefusedError):
                    break
            except Exception as error:
                # Not its text: nobody has checked that it holds no credential.
                failed = True
                self._report(key, line, f"unexpected {type(error).__name__}")
                break
            else:
                self._delivered(key, line, message)
        line.failures = line.failures + 1 if failed else 0
        if not failed:
            line.problem = ""
        return asked

    def _report(self, key: Key, line: _Line, problem: str) -> None:
        self._observer(line.route.kind, "failed")
        if problem != line.problem:
            log.warning("%s: %s does not take notifications: %s", key, line.route.id, problem)
        line.problem = problem

    def _delivered(self, key: Key, line: _Line, message: Message) -> None:
        self._observer(line.route.kind, "delivered")
        line.waiting.pop(message.notice.id, None)
        self._done.setdefault(key, set()).add((message.notice.id, line.route.id))
        if key not in self._confirming:
            loop = asyncio.get_running_loop()
            self._confirming[key] = loop.call_later(CONFIRM_SECONDS, self._confirm, key)

    def _confirm(self, key: Key) -> None:
        self._confirming.pop(key, None)
        self._wake(key)
