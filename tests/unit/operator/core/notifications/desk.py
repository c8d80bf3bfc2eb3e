"""A resource with its stored status, reconciled whenever it is woken, and sinks that remember."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from spark_operator.adapters.notifiers.notifier import Notifier
from spark_operator.core.decide.decide import decide
from spark_operator.ports.cluster import Key
from spark_operator.ports.notifications import ChannelError
from tests.unit.operator.core.builders import NOW, resource, seen, status, workload
from tests.unit.operator.core.notifications.told import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.notifications.routing import ChannelRoute
    from spark_operator.core.notifications.texts import Message
    from spark_operator.core.observe.observations import Observations

KEY: Final = Key("production", "spark")
RESTING: Final = seen(workload(1, 4))


class Sinks:
    """The ``Sender`` port on memory; ``behave`` may wait or raise before a message is taken."""

    def __init__(self, behave: Callable[[ChannelRoute, Message], Any] | None = None) -> None:
        self.behave = behave
        self.taken: defaultdict[str, list[Message]] = defaultdict(list)
        self.attempts: defaultdict[str, list[float]] = defaultdict(list)
        self.now = 0
        self.most = 0

    async def send(self, route: ChannelRoute, message: Message) -> None:
        """See ``Sender.send``."""
        self.attempts[route.id].append(asyncio.get_running_loop().time())
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.behave is not None:
                waiting = self.behave(route, message)
                if waiting is not None:
                    await waiting
        finally:
            self.now -= 1
        self.taken[route.id].append(message)

    def ids(self, channel: str) -> list[str]:
        return [message.notice.id for message in self.taken[channel]]


def down(until: float) -> Callable[[ChannelRoute, Message], None]:
    """Every sink answers 500 until this virtual time."""

    def behave(route: ChannelRoute, message: Message) -> None:
        del route, message
        if asyncio.get_running_loop().time() < until:
            raise ChannelError("sink.example answered 500")

    return behave


class Desk:
    """What a worker is to a notifier: decisions the resource, stores, offers."""

    def __init__(
        self, sinks: Sinks, stored: SparkDeployment | None = None, told: Any = None, key: Key = KEY
    ) -> None:
        self.key = key
        self.told = ALL if told is None else told
        self.stored = stored or resource(1, status("Stable"), notifications=self.told)
        self.writes = self.woken = 0
        self.counted: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.notifier = Notifier(sinks, self.wake, self.count, spread=lambda: 1.0)

    def count(self, kind: str, outcome: str) -> None:
        self.counted[kind, outcome] += 1

    def wake(self, key: Key) -> None:
        assert key == self.key
        self.woken += 1
        self.reconcile(RESTING)

    def decide(self, observed: Observations) -> None:
        """The half of a decision up to the write of status."""
        found = self.notifier.deliveries(self.key)
        observed = type(observed)(
            workloads=observed.workloads,
            revisions=observed.revisions,
            route=observed.route,
            delivered=found.done,
            delivery_problems=found.problems,
        )
        after = decide(self.stored, observed, NOW + asyncio.get_running_loop().time()).status
        if after != self.stored.status:
            self.writes += 1
            self.stored = self.stored.model_copy(update={"status": after})

    def reconcile(self, observed: Observations) -> None:
        self.decide(observed)
        self.notifier.offer(self.key, self.stored)

    def apply(self, version: int, **spec: Any) -> None:
        """Change the spec, as a user does."""
        spec.setdefault("notifications", self.told)
        self.stored = resource(version, self.stored.status, **spec)

    @property
    def outbox(self) -> list[str]:
        box = self.stored.status.notifications
        return [item.id for item in box.outbox] if box else []
