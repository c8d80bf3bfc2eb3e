"""Notifications in whole histories: the operator killed at every write, and nothing lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from spark_operator.adapters.notifiers.notifier import Notifier
from spark_operator.ports.notifications import ChannelError
from tests.simulation import simulation
from tests.simulation.plans import kills
from tests.simulation.process import Process
from tests.simulation.simulation import RESOURCES, run
from tests.simulation.stories import scenarios
from tests.simulation.stories.catalogue import SCENARIOS

if TYPE_CHECKING:
    from spark_operator.core.notifications.routing import ChannelRoute
    from spark_operator.core.notifications.texts import Message
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.metrics import Metrics
    from tests.simulation.api.transport import Transport
    from tests.simulation.faults import Plan
    from tests.simulation.oracles.history import History

TOLD: Final = {
    "pagerDuty": [{"routingKey": {"name": "alerts", "key": "key"}}],
    "webhook": [{"url": "https://hooks.example.com", "minSeverity": "info"}],
}
EVERY: Final = 37
"""Which n-th plan of kills is run."""


class Sinks:
    """Outside of the operators: what arrived, over all their lives."""

    def __init__(self, down_until: float = 0.0) -> None:
        self.arrived: list[tuple[str, str, str]] = []
        self.down_until = down_until

    async def send(self, route: ChannelRoute, message: Message) -> None:
        """See ``Sender.send``."""
        await asyncio.sleep(0.2)
        if asyncio.get_running_loop().time() < self.down_until:
            raise ChannelError("sink.example answered 500")
        self.arrived.append((message.notice.id, route.id, message.notice.action))


def play(
    monkeypatch: pytest.MonkeyPatch, name: str, sinks: Sinks, plan: Plan | None = None
) -> History:
    """A history in which every operator notifies."""

    class Notifying(Process):
        def __init__(self, name: str, transport: Transport, metrics: Metrics, clock: Clock) -> None:
            super().__init__(name, transport, metrics, clock)
            self.notifier = Notifier(sinks, self.wake, lambda *_: None)
            reconciler = self._workers._reconciler
            reconciler._notifications = self.notifier
            reconciler._gatherer._notifications = self.notifier

        def kill(self) -> None:
            """A killed process sends nothing more."""
            super().kill()
            for key in list(self.notifier._lines):
                self.notifier.forget(key)

    plain = scenarios.spec
    with monkeypatch.context() as patched:
        patched.setattr(simulation, "Process", Notifying)
        patched.setattr(scenarios, "spec", lambda **changes: plain(notifications=TOLD, **changes))
        return run(SCENARIOS[name], plan) if plan else run(SCENARIOS[name])


def stored(history: History) -> list[dict[str, Any]]:
    """Every outbox that was ever stored, in the order of time."""
    return [
        (change.after.get("status") or {}).get("notifications") or {}
        for change in history.changes
        if change.collection == RESOURCES and change.after is not None
    ]


def wanted(history: History) -> set[tuple[str, str, str]]:
    """What outboxes ever held: notice, channel and action."""
    return {
        (notice["id"], channel, notice["action"])
        for box in stored(history)
        for notice in box.get("outbox", ())
        for channel in notice["pending"]
    }


def pages(sinks: Sinks) -> list[str]:
    """What a pager is told, each once."""
    told = dict.fromkeys(item for item in sinks.arrived if item[1] == "pagerDuty/default")
    return [action for *_, action in told]


def test_without_faults_everything_arrives_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sinks = Sinks()
    history = play(monkeypatch, "bad-release", sinks)
    assert history.errors == []
    assert Counter(sinks.arrived).keys() == wanted(history)
    assert set(Counter(sinks.arrived).values()) == {1}
    assert pages(sinks) == ["trigger", "acknowledge"]
    assert stored(history)[-1]["outbox"] == []


def test_what_waited_for_a_sink_arrives_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sinks = Sinks(down_until=60)
    history = play(monkeypatch, "bad-release", sinks)
    assert stored(history)[-1]["outbox"] == []
    assert Counter(sinks.arrived).keys() == wanted(history)
    assert set(Counter(sinks.arrived).values()) == {1}
    assert pages(sinks) == ["trigger", "acknowledge"]


@pytest.mark.parametrize("name", ["bad-release", "good-release"])
def test_killed_at_a_write_nothing_is_lost(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    reference = play(monkeypatch, name, Sinks())
    plans = list(kills(reference))[::EVERY]
    assert len(plans) > 2
    for plan in plans:
        sinks = Sinks()
        history = play(monkeypatch, name, sinks, plan)
        arrived = Counter(sinks.arrived)
        assert arrived.keys() == wanted(history), plan.name
        assert max(arrived.values()) <= 2, plan.name
        assert stored(history)[-1]["outbox"] == [], plan.name
        if name == "bad-release":
            assert pages(sinks) == ["trigger", "acknowledge"], plan.name
