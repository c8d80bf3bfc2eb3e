"""The outbox: what stays, what gives way, what is queued once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_operator.api.fields import to_time
from spark_operator.api.status.outbox import MAX_OUTBOX, NotificationsStatus
from spark_operator.core.notifications.outbox import (
    LIFETIME,
    MAX_BYTES,
    MAX_NOTICE_BYTES,
    REPEAT,
    acknowledge,
    expire,
    fit,
    identity,
    put,
    size,
)
from tests.unit.operator.core.builders import NOW
from tests.unit.operator.core.notifications.told import box, notice

if TYPE_CHECKING:
    from spark_operator.api.notifications import Severity
    from spark_operator.api.status.outbox import Notice

CRITICAL: list[Severity] = ["critical"] * MAX_OUTBOX


def filled(*severities: Severity) -> NotificationsStatus:
    made = NotificationsStatus()
    for number, severity in enumerate(severities, 1):
        made = put(made, notice(number, severity))
    return made


def ids(made: NotificationsStatus) -> list[int]:
    return [int(item.id, 16) for item in made.outbox]


def test_notices_leave_in_the_order_they_came() -> None:
    assert ids(filled("info", "critical", "warning")) == [1, 2, 3]


def test_the_oldest_info_gives_way_first() -> None:
    made = filled(*CRITICAL[:10], "info", "warning", "info", *CRITICAL[:7])
    assert len(made.outbox) == MAX_OUTBOX
    made = put(made, notice(21, "warning"))
    assert ids(made) == [*range(1, 11), 12, *range(13, 22)]
    assert (made.dropped, made.dropped_at) == (1, to_time(NOW + 21))


def test_an_info_does_not_push_out_anything_more_severe() -> None:
    made = put(filled(*CRITICAL), notice(21, "info"))
    assert ids(made) == list(range(1, 21))
    assert made.dropped == 1


def test_among_criticals_the_oldest_gives_way_so_that_an_end_outlives_its_beginning() -> None:
    made = put(filled(*CRITICAL), notice(21, "critical"))
    assert ids(made) == list(range(2, 22))


def test_long_notices_give_way_so_that_the_status_stays_small() -> None:
    made = NotificationsStatus()
    for number in range(1, 21):
        severity: Severity = "critical" if number < 12 else "info"
        made = put(made, notice(number, severity, message="€" * 512))
    assert ids(made) == [*range(1, 12), 20]
    assert made.dropped == 8


def test_the_same_notice_is_queued_once_even_after_it_was_taken() -> None:
    made = put(filled("info"), notice(1))
    assert ids(made) == [1]
    taken = acknowledge(made, {(notice(1).id, "slack/default")}, {"slack/default"})
    assert put(taken, notice(1)).outbox == ()


def test_after_ten_minutes_it_is_another_one() -> None:
    taken = filled("info").model_copy(update={"outbox": ()})
    soon, later = (
        notice(1, at=notice(1).at + passed) for passed in (REPEAT - timedelta(seconds=1), REPEAT)
    )
    assert put(taken, soon).outbox == ()
    assert put(taken, later).outbox == (later,)


def test_a_notice_for_nobody_is_not_kept() -> None:
    assert put(NotificationsStatus(), notice(pending=())) == NotificationsStatus()


def test_a_notice_stays_until_every_channel_took_it() -> None:
    both = notice(pending=("email/ops", "slack/default"))
    half = acknowledge(box(both), {(both.id, "email/ops")}, {"email/ops", "slack/default"})
    assert half.outbox[0].pending == ("slack/default",)
    assert acknowledge(half, {(both.id, "slack/default")}, {"slack/default"}).outbox == ()


def test_a_removed_channel_is_not_waited_for() -> None:
    assert acknowledge(box(notice()), (), {"slack/other"}).outbox == ()


def test_what_nobody_took_in_a_day_is_given_up_and_counted() -> None:
    made = box(notice(1), notice(2))
    at = notice(1).at + LIFETIME
    assert expire(made, at - timedelta(milliseconds=1)) == made
    after = expire(made, at)
    assert ids(after) == [2]
    assert (after.dropped, after.dropped_at) == (1, at)


@pytest.mark.parametrize("letter", ["x", "ü", "€", "🚀", '"', "\n"])
def test_a_notice_fits_in_a_kibibyte(letter: str) -> None:
    channels = tuple(f"pagerDuty/{'x' * 15}{number}" for number in range(16))
    made = fit(notice(message=letter * 512, pending=channels))
    assert size(made) <= MAX_NOTICE_BYTES
    assert made.message.endswith("…")
    assert made.message.startswith(letter * 20)


def test_a_short_message_is_left_as_it_is() -> None:
    assert fit(notice()) == notice()


def test_an_id_is_the_same_everywhere() -> None:
    assert identity("uid", "RollingBack", 7) == identity("uid", "RollingBack", 7)
    assert identity("uid", "RollingBack", 7) != identity("uid", "RollingBack", 8)
    assert len(identity("a", "b")) == 16


NOTICES = st.builds(
    notice,
    st.integers(1, 40),
    st.sampled_from(["info", "warning", "critical"]),
    message=st.text(max_size=512),
)


@given(st.lists(NOTICES, max_size=80))
def test_bounded_without_repeats_and_no_critical_gives_way_to_less(arriving: list[Notice]) -> None:
    made = NotificationsStatus()
    for item in arriving:
        before = made
        made = put(before, item)
        lost = {entry.id for entry in (*before.outbox, item)} - {entry.id for entry in made.outbox}
        known = {entry.id for entry in before.outbox} | {entry.id for entry in before.told}
        assert len(made.outbox) <= MAX_OUTBOX
        assert len(made.told) <= MAX_OUTBOX
        assert len(set(ids(made))) == len(made.outbox)
        assert all(size(entry) <= MAX_NOTICE_BYTES for entry in made.outbox)
        severities = {entry.id: entry.severity for entry in (*before.outbox, item)}
        given_up = [severities[one] for one in lost if one not in known or one != item.id]
        assert made.dropped == before.dropped + len(given_up)
        if "critical" in given_up:
            assert {entry.severity for entry in made.outbox} == {"critical"}
        assert sum(map(size, made.outbox)) <= MAX_BYTES
        if len(before.outbox) < MAX_OUTBOX and sum(map(size, before.outbox)) <= MAX_BYTES - 1024:
            assert not given_up


@given(st.lists(NOTICES, max_size=30), st.sets(st.integers(1, 40)))
def test_what_was_not_taken_stays(arriving: list[Notice], taken: set[int]) -> None:
    made = NotificationsStatus()
    for item in arriving:
        made = put(made, item)
    delivered = {(f"{number:016x}", "slack/default") for number in taken}
    left = acknowledge(made, delivered, {"slack/default"})
    assert ids(left) == [number for number in ids(made) if number not in taken]
