"""The sending task on virtual time: at least once, in order, without delaying anything."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

import pytest

from spark_operator.adapters.notifiers.notifier import MAX_PER_SINK
from spark_operator.ports.cluster import Key
from spark_operator.ports.notifications import ChannelError, ChannelRefusedError
from tests.simulation.loop import virtual_loop
from tests.unit.operator.core.builders import seen, workload
from tests.unit.operator.core.notifications.desk import RESTING, Desk, Sinks, down
from tests.unit.operator.core.notifications.told import SLACK, WEBHOOK, box, notice

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from spark_operator.core.notifications.routing import ChannelRoute
    from spark_operator.core.notifications.texts import Message

NOBODY: Final = seen(workload(1, 4, ready=False))
INFOS: Final = {"webhook": [{**WEBHOOK, "minSeverity": "info"}]}


def play(story: Coroutine[Any, Any, None]) -> None:
    with virtual_loop() as loop:
        loop.run_until_complete(story)


def queue(desk: Desk, *numbers: int, channel: str = "webhook/default") -> None:
    """Put notices into the stored outbox, as a reconcile would have."""
    notices = tuple(notice(number, pending=(channel,)) for number in numbers)
    after = desk.stored.status.model_copy(update={"notifications": box(*notices)})
    desk.stored = desk.stored.model_copy(update={"status": after})


def test_all_sinks_down_for_five_minutes_then_everything_arrives_once() -> None:
    async def story() -> None:
        sinks = Sinks(down(300))
        desk = Desk(sinks)
        desk.reconcile(RESTING)
        desk.reconcile(NOBODY)
        await asyncio.sleep(40)
        desk.reconcile(RESTING)
        await asyncio.sleep(35)
        desk.reconcile(RESTING)
        (opened, closed) = desk.outbox
        await asyncio.sleep(225)
        assert not any(sinks.taken.values())
        assert [c.reason for c in desk.stored.status.conditions if c.type == "Notified"] == [
            "ChannelFailing"
        ]
        await asyncio.sleep(310)
        for channel in ("email/default", "slack/default", "pagerDuty/default", "webhook/default"):
            assert sinks.ids(channel) == [opened, closed], channel
            assert len(sinks.attempts[channel]) <= 12
        assert desk.outbox == []
        await asyncio.sleep(3600)
        assert sum(map(len, sinks.taken.values())) == 8

    play(story())


def test_an_operator_that_dies_after_the_write_and_before_the_sending_loses_nothing() -> None:
    async def story() -> None:
        sinks = Sinks()
        first = Desk(sinks)
        first.decide(NOBODY)
        assert first.outbox
        assert not sinks.taken
        second = Desk(sinks, first.stored)
        second.reconcile(NOBODY)
        await asyncio.sleep(5)
        assert len(sinks.ids("pagerDuty/default")) == 1
        assert second.outbox == []
        third = Desk(sinks, second.stored)
        third.reconcile(NOBODY)
        await asyncio.sleep(5)
        assert len(sinks.ids("pagerDuty/default")) == 1

    play(story())


def test_one_that_dies_before_the_confirmation_sends_again_with_the_same_id() -> None:
    async def story() -> None:
        sinks = Sinks()
        first = Desk(sinks)
        first.reconcile(NOBODY)
        await asyncio.sleep(0.5)
        await first.notifier.stop()
        second = Desk(sinks, first.stored)
        second.reconcile(NOBODY)
        await asyncio.sleep(5)
        once, again = sinks.ids("pagerDuty/default")
        assert once == again

    play(story())


def test_deliveries_of_one_second_are_confirmed_by_one_write() -> None:
    async def story() -> None:
        desk = Desk(Sinks(), told=INFOS)
        queue(desk, *range(1, 11))
        desk.reconcile(RESTING)
        before = desk.writes
        await asyncio.sleep(0.9)
        assert desk.writes == before
        await asyncio.sleep(0.2)
        assert (desk.woken, desk.writes) == (1, before + 1)
        assert desk.outbox == []
        assert desk.counted == {("webhook", "delivered"): 10}

    play(story())


def test_a_turn_that_was_decided_before_the_delivery_sends_nothing_again() -> None:
    async def story() -> None:
        sinks = Sinks()
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1)
        desk.reconcile(RESTING)
        decided_before = desk.stored
        await asyncio.sleep(0.1)
        desk.notifier.offer(desk.key, decided_before)
        await asyncio.sleep(0.1)
        assert len(sinks.ids("webhook/default")) == 1
        await asyncio.sleep(2)
        assert desk.outbox == []

    play(story())


def test_a_sink_that_hangs_delays_nothing_else() -> None:
    async def hang() -> None:
        await asyncio.sleep(5)
        raise ChannelError("no answer within 5 s")

    async def story() -> None:
        sinks = Sinks(lambda route, _: hang() if route.kind == "slack" else None)
        desk = Desk(sinks)
        desk.reconcile(NOBODY)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        took = asyncio.get_running_loop().time()
        assert took == 0.0
        assert {name for name, taken in sinks.taken.items() if taken} == {
            "email/default",
            "pagerDuty/default",
            "webhook/default",
        }
        await asyncio.sleep(2)
        (left,) = desk.stored.status.notifications.outbox  # type: ignore[union-attr]
        assert left.pending == ("slack/default",)

    play(story())


def test_order_is_kept_while_a_sink_fails() -> None:
    async def story() -> None:
        sinks = Sinks(down(20))
        desk = Desk(sinks, told=INFOS)
        queue(desk, 3, 1, 2)
        desk.reconcile(RESTING)
        await asyncio.sleep(60)
        assert [int(one, 16) for one in sinks.ids("webhook/default")] == [3, 1, 2]
        gaps = [1.0, 2.0, 4.0, 8.0, 16.0]
        assert sinks.attempts["webhook/default"][:6] == [sum(gaps[:n]) for n in range(6)]

    play(story())


def test_a_message_that_is_refused_holds_up_no_other() -> None:
    def behave(_: ChannelRoute, message: Message) -> None:
        if message.notice.id == f"{1:016x}":
            raise ChannelRefusedError("sink.example answered 400")

    async def story() -> None:
        sinks = Sinks(behave)
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1, 2, 3)
        desk.reconcile(RESTING)
        await asyncio.sleep(30)
        assert [int(one, 16) for one in sinks.ids("webhook/default")] == [2, 3]
        assert desk.outbox == [f"{1:016x}"]

    play(story())


def test_corrected_settings_are_tried_at_once() -> None:
    def behave(route: ChannelRoute, _: Message) -> None:
        if getattr(route.channel, "url", "") == WEBHOOK["url"]:
            raise ChannelError("hooks.example.com answered 500")

    async def story() -> None:
        sinks = Sinks(behave)
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1)
        desk.reconcile(RESTING)
        await asyncio.sleep(600)
        good = {"webhook": [{"url": "https://other.example.com", "minSeverity": "info"}]}
        desk.apply(1, notifications=good)
        desk.reconcile(RESTING)
        await asyncio.sleep(0.01)
        assert len(sinks.ids("webhook/default")) == 1

    play(story())


def test_a_removed_channel_is_left_alone() -> None:
    async def story() -> None:
        sinks = Sinks(down(1e9))
        desk = Desk(sinks, told={**INFOS, "slack": [SLACK]})
        queue(desk, 1)
        desk.reconcile(RESTING)
        await asyncio.sleep(10)
        tried = len(sinks.attempts["webhook/default"])
        assert tried
        desk.apply(1, notifications={"slack": [SLACK]})
        desk.reconcile(RESTING)
        await asyncio.sleep(3600)
        assert len(sinks.attempts["webhook/default"]) == tried
        assert desk.outbox == []

    play(story())


def test_a_server_that_asks_for_time_gets_it() -> None:
    def behave(_: ChannelRoute, __: Message) -> None:
        if asyncio.get_running_loop().time() < 30:
            raise ChannelError("sink.example answered 429", retry_after=30)

    async def story() -> None:
        sinks = Sinks(behave)
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1)
        desk.reconcile(RESTING)
        await asyncio.sleep(60)
        assert sinks.attempts["webhook/default"] == [0.0, 30.0]

    play(story())


def test_one_sink_is_never_asked_by_more_than_four_at_a_time() -> None:
    async def story() -> None:
        sinks = Sinks(lambda _, __: asyncio.sleep(5))
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1)
        for number in range(20):
            desk.notifier.offer(Key("production", f"spark-{number}"), desk.stored)
        await asyncio.sleep(24)
        assert sinks.most == MAX_PER_SINK
        assert len(sinks.taken["webhook/default"]) == 16
        await desk.notifier.stop()

    play(story())


@pytest.mark.parametrize("end", ["forget", "stop"])
def test_nothing_is_sent_afterwards(end: str) -> None:
    async def story() -> None:
        sinks = Sinks(down(10))
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1)
        desk.reconcile(RESTING)
        await asyncio.sleep(1)
        if end == "forget":
            desk.notifier.forget(desk.key)
        else:
            await desk.notifier.stop()
        tried = len(sinks.attempts["webhook/default"])
        await asyncio.sleep(3600)
        assert len(sinks.attempts["webhook/default"]) == tried

    play(story())


def test_an_unexpected_error_is_retried_and_its_text_told_to_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def behave(_: ChannelRoute, __: Message) -> None:
        if asyncio.get_running_loop().time() < 5:
            raise ValueError("https://user:SENTINEL@sink.example")

    async def story() -> None:
        sinks = Sinks(behave)
        desk = Desk(sinks, told=INFOS)
        queue(desk, 1)
        desk.reconcile(RESTING)
        await asyncio.sleep(1)
        assert desk.notifier.deliveries(desk.key).problems == {
            "webhook/default": "unexpected ValueError"
        }
        await asyncio.sleep(10)
        assert len(sinks.ids("webhook/default")) == 1
        assert desk.notifier.deliveries(desk.key).problems == {}

    with caplog.at_level(logging.DEBUG):
        play(story())
    assert "SENTINEL" not in caplog.text
    assert "unexpected ValueError" in caplog.text


def test_what_was_given_up_is_counted() -> None:
    async def story() -> None:
        desk = Desk(Sinks(down(1e9)), told=INFOS)
        queue(desk, 1)
        desk.reconcile(RESTING)
        await asyncio.sleep(24 * 3600 + 2)
        desk.reconcile(RESTING)
        assert desk.outbox == []
        assert desk.counted["any", "dropped"] == 1

    play(story())
