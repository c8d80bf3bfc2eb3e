"""What a decision queues: transitions, and the beginning and end of failing states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from spark_operator.api.fields import to_time
from spark_operator.core.decide.decide import decide
from spark_operator.core.notifications.outbox import LIFETIME
from spark_operator.core.observe.values import Alert
from tests.unit.operator.core.builders import NOW, name, resource, seen, status, workload
from tests.unit.operator.core.decide.cases import (
    BAD,
    BOTH_BAD,
    GOOD,
    LATE,
    ONE,
    SILENT,
    TOO_FEW,
    at,
    held,
    shared,
)
from tests.unit.operator.core.notifications.story import Story
from tests.unit.operator.core.notifications.told import ALL, box, notice

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus

RESTING = seen(ONE)
THREE_OF_FOUR = seen(workload(1, 3))
NOBODY = seen(workload(1, 4, ready=False))


def test_a_failing_release_is_one_incident_from_the_cut_to_the_next_release() -> None:
    story = Story(2, at(0, 5))
    story.reconcile(shared(BAD))
    assert story.said == [("RollingBack", "critical", "trigger")]
    assert story.paged == ["trigger"]
    first = story.new[0]
    assert (first.release, first.incident) == (name(2), 1)
    assert "errorRate 50%" in first.message
    assert set(first.pending) == {
        "email/default",
        "slack/default",
        "pagerDuty/default",
        "webhook/default",
    }
    story.reconcile(RESTING, 5)
    assert story.said == [("RolledBack", "critical", "acknowledge")]
    assert story.paged == ["acknowledge"]
    assert story.reconcile(RESTING, 6) == []
    story.version = 3
    story.reconcile(RESTING, 600)
    assert ("ReleaseFailed", "critical", "resolve") in story.said
    assert story.paged == ["resolve"]
    assert {item.incident for item in story.new if item.action == "resolve"} == {1}
    assert story.box.alarms == ()


def test_the_epoch_and_the_notice_are_of_one_write() -> None:
    story = Story(2, at(0, 5))
    story.reconcile(shared(BAD))
    assert (story.status.epoch, len(story.box.outbox)) == (8, 1)


def test_a_further_failure_is_another_incident() -> None:
    story = Story(2, at(0, 5))
    story.reconcile(shared(BAD))
    before = {item.id for item in story.new}
    story.status = at(0, 5, notifications=story.box.model_copy(update={"alarms": ()}), epoch=30)
    story.reconcile(shared(BAD), 3600)
    assert [item.incident for item in story.new] == [2]
    assert {item.id for item in story.new}.isdisjoint(before)


def test_an_inconclusive_end_pages_nobody() -> None:
    story = Story(2, at(0, 5, entered=LATE))
    story.reconcile(shared(SILENT))
    assert story.said == [("RollingBack", "warning", "notify")]
    assert story.paged == []


def test_a_provider_that_fails_both_is_one_incident_and_no_rollback() -> None:
    story = Story(2, at(0, 5))
    story.reconcile(shared(BOTH_BAD))
    assert story.said == [("Degraded", "critical", "trigger")]
    assert story.status.phase == "Progressing"
    assert story.reconcile(shared(BOTH_BAD), 5) == []
    assert story.reconcile(shared(GOOD), 180) == [], "it may come back within seconds"
    story.reconcile(shared(GOOD), 211)
    assert ("Degraded", "critical", "resolve") in story.said
    assert story.paged == ["resolve"]
    closing = next(item for item in story.new if item.action == "resolve")
    assert "is over after 0:03:31" in closing.message


def test_a_state_that_comes_and_goes_is_told_once() -> None:
    story = Story(1, status("Stable"))
    told = []
    for second in range(0, 60, 5):
        told += story.reconcile(NOBODY if second % 10 == 0 else RESTING, second)
    assert [(item.kind, item.action) for item in told] == [("Unavailable", "trigger")]


def test_the_end_is_due_when_it_has_been_calm() -> None:
    story = Story(1, status("Stable"))
    story.reconcile(NOBODY)
    story.reconcile(RESTING, 10)
    assert story.decision.next_due == NOW + 40
    story.reconcile(RESTING, 40)
    assert story.said == [("Unavailable", "critical", "resolve")]
    assert "4 pods of registry.example/spark:1.1.0 serve users" in story.new[0].message


def test_missing_pods_are_told_after_a_minute_and_page_nobody() -> None:
    story = Story(1, status("Stable"))
    assert story.reconcile(THREE_OF_FOUR) == []
    assert story.decision.next_due == NOW + 60
    assert story.reconcile(THREE_OF_FOUR, 59) == []
    story.reconcile(THREE_OF_FOUR, 60)
    assert story.said == [("Degraded", "warning", "trigger")]
    assert story.paged == []
    story.reconcile(NOBODY, 70)
    assert story.said == [("Unavailable", "critical", "trigger")]
    assert [item.incident for item in story.new] == [1]
    story.reconcile(THREE_OF_FOUR, 80)
    story.reconcile(THREE_OF_FOUR, 110)
    assert story.paged == ["resolve"], "what is left is nothing it would page for"


def test_a_state_that_gets_worse_is_told_again() -> None:
    story = Story(2, at(0, 5))
    short = replace(shared(), workloads={**shared().workloads, name(1): workload(1, 3)})
    story.reconcile(short, -61)
    story.reconcile(short, -1)
    assert ("Degraded", "warning", "trigger") in story.said
    worse = replace(short, judge=BOTH_BAD)
    story.reconcile(worse)
    assert ("Degraded", "critical", "trigger") in story.said
    assert story.paged == ["trigger"]
    assert story.reconcile(worse, 1) == []


def test_a_quarantined_release_that_is_applied_again_pages_nobody() -> None:
    before = status("Pending", quarantine=(held(2),))
    story = Story(2, before)
    story.reconcile(RESTING)
    assert story.status.phase == "RolledBack"
    assert story.status.failure is not None
    assert story.status.failure.outcome == "Failed"
    assert story.paged == []


def test_the_same_transition_at_another_epoch_is_another_notice() -> None:
    told: list[str] = []
    story = Story(2, at(0, 5))
    for second in range(4):
        story.paused = second % 2 == 0
        told += [item.kind for item in story.reconcile(shared(TOO_FEW), second)]
    assert told == ["Paused", "Resumed", "Paused", "Resumed"]


def test_two_alerts_at_one_epoch_are_two_notices() -> None:
    story = Story(1, status("Stable"))
    told = []
    for number, rule in enumerate(("DiskFull", "QueueLong")):
        alert = Alert(f"a{number}", rule, NOW + number, severity="warning")
        told += story.reconcile(replace(RESTING, alerts=(alert,)), number)
    messages = [item.message for item in told if item.kind == "AlertReceived"]
    assert [next(r for r in ("DiskFull", "QueueLong") if r in m) for m in messages] == [
        "DiskFull",
        "QueueLong",
    ]


def test_missing_pods_that_come_back_are_not_told() -> None:
    story = Story(1, status("Stable"))
    assert story.reconcile(THREE_OF_FOUR) == []
    assert story.reconcile(RESTING, 30) == []
    assert story.reconcile(RESTING, 90) == []


def test_a_first_install_that_never_gets_ready_pages() -> None:
    story = Story(1, status("Pending", stable=None, candidate=1))
    story.reconcile(seen(workload(1, 4, ready=False), route=1), 600)
    assert ("Stalled", "critical", "trigger") in story.said


def test_routine_transitions_are_infos() -> None:
    story = Story(2, status("Stable"))
    story.reconcile(RESTING)
    story.reconcile(RESTING, 1)
    assert story.said == [("TrialStarted", "info", "notify")]
    assert story.new[0].pending == ("webhook/default",)


def test_without_channels_status_says_nothing() -> None:
    story = Story(2, at(0, 5), told={})
    assert story.reconcile(shared(BAD)) == []
    assert story.status.notifications is None
    assert all(item.type != "Notified" for item in story.status.conditions)


def test_removed_channels_take_the_outbox_along() -> None:
    story = Story(1, status("Stable", notifications=box(notice(1))), told={})
    story.reconcile(RESTING)
    assert story.status.notifications is None


def test_a_turn_without_news_changes_nothing() -> None:
    story = Story(1, status("Stable"))
    story.reconcile(RESTING)
    settled = story.status
    story.reconcile(RESTING, 100)
    assert story.status == settled


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (59, ("True", "Delivered", "no notification waits for longer than 60 s")),
        (
            60,
            (
                "False",
                "ChannelFailing",
                (
                    "slack/default has not taken 1 of the notifications since"
                    " 2023-11-14 22:12:20Z: hooks.example.com answered 500"
                ),
            ),
        ),
    ],
)
def test_a_channel_that_takes_nothing_is_shown(age: int, said: tuple[str, str, str]) -> None:
    waiting = notice(1, at=to_time(NOW - age))
    before = status("Stable", notifications=box(waiting))
    assert notified(before, {"slack/default": "hooks.example.com answered 500"}) == said


def notified(before: SparkDeploymentStatus, problems: dict[str, str]) -> tuple[str, str, str]:
    """The condition after a decision in which nothing was delivered."""
    given = resource(1, before, notifications=ALL)
    after = decide(given, replace(RESTING, delivery_problems=problems), NOW).status
    found = next(item for item in after.conditions if item.type == "Notified")
    return found.status, found.reason, found.message


def test_what_was_given_up_stays_visible() -> None:
    old = notice(1, at=to_time(NOW) - LIFETIME)
    assert notified(status("Stable", notifications=box(old)), {}) == (
        "True",
        "Delivered",
        (
            "no notification waits for longer than 60 s; 1 given up so far, the last at"
            " 2023-11-14 22:13:20Z"
        ),
    )
