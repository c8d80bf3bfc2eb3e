"""The outbox in status: bounded, without repeats, and never at the expense of what is severe."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outbox import MAX_OUTBOX, ToldNotice
from spark_operator.core.notifications.routing import RANK

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from spark_operator.api.status.outbox import Notice, NotificationsStatus

MAX_NOTICE_BYTES: Final = 1024
MAX_BYTES: Final = 12 * 1024
"""All notices together: a status has 64 KiB, and the quarantine must never give way to words."""
LIFETIME: Final = timedelta(hours=24)
"""A notice that no channel took for so long is given up."""
REPEAT: Final = timedelta(minutes=10)
"""For so long a notice with the same id is the same notice."""


def identity(*parts: object) -> str:
    """The id of a notice: the same for the same transition, on any replica, after any restart."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def size(notice: Notice) -> int:
    """Bytes of a notice as it stands in status."""
    return len(json.dumps(notice.to_dict(), separators=(",", ":"), ensure_ascii=False).encode())


def fit(notice: Notice) -> Notice:
    """The notice, its message cut so that the whole has at most ``MAX_NOTICE_BYTES``."""
    excess = size(notice) - MAX_NOTICE_BYTES
    while excess > 0:
        # A character has at least one byte, so this many fewer are never too few to get on.
        kept = notice.message[: max(0, len(notice.message) - max(2, excess // 4))]
        notice = notice.model_copy(update={"message": f"{kept.rstrip('…')}…"})
        excess = size(notice) - MAX_NOTICE_BYTES
    return notice


def put(box: NotificationsStatus, notice: Notice) -> NotificationsStatus:
    """Queue a notice; where the outbox is full, the oldest of the least severe give way.

    A notice for nobody, or one queued in the last ``REPEAT``, changes nothing.
    """
    told = tuple(item for item in box.told if notice.at - item.at < REPEAT)
    known = {item.id for item in told} | {item.id for item in box.outbox}
    if not notice.pending or notice.id in known:
        return box
    told = (ToldNotice(id=notice.id, at=notice.at), *told)[:MAX_OUTBOX]
    queue = [*box.outbox, fit(notice)]
    gone = 0
    while len(queue) > MAX_OUTBOX or sum(map(size, queue)) > MAX_BYTES:
        queue.remove(min(queue, key=lambda item: RANK[item.severity]))
        gone += 1
    after = box.model_copy(update={"told": told, "outbox": tuple(queue)})
    return _given_up(after, gone, notice.at)


def acknowledge(
    box: NotificationsStatus, delivered: Collection[tuple[str, str]], channels: Collection[str]
) -> NotificationsStatus:
    """Take off what channels have taken, and what is for channels that no longer exist.

    Args:
        box: the outbox.
        delivered: pairs of notice id and channel id.
        channels: ids of the channels there are.
    """
    left = []
    for notice in box.outbox:
        pending = tuple(
            channel
            for channel in notice.pending
            if channel in channels and (notice.id, channel) not in delivered
        )
        if pending:
            left.append(notice.model_copy(update={"pending": pending}))
    return box.model_copy(update={"outbox": tuple(left)})


def expire(box: NotificationsStatus, now: datetime) -> NotificationsStatus:
    """Give up what was not taken within ``LIFETIME``."""
    left = tuple(notice for notice in box.outbox if now - notice.at < LIFETIME)
    gone = len(box.outbox) - len(left)
    return _given_up(box.model_copy(update={"outbox": left}), gone, now)


def _given_up(box: NotificationsStatus, number: int, at: datetime) -> NotificationsStatus:
    if not number:
        return box
    return box.model_copy(update={"dropped": box.dropped + number, "dropped_at": at})
