"""The outbox in status: bounded, without repeats, and never at the expense of what is severe."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.status import MAX_OUTBOX, ToldNotice
from spark_operator.core.notifications.routing import RANK

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from spark_operator.api.status import Notice, NotificationsStatus

MAX_NOTICE_BYTES: Final = 1024
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
    """Queue a notice; where the outbox is full, the oldest of the least severe gives way.

    A notice for nobody, or one queued in the last ``REPEAT``, changes nothing.
    """
    told = tuple(item for item in box.told if notice.at - item.at < REPEAT)
    known = {item.id for item in told} | {item.id for item in box.outbox}
    if not notice.pending or notice.id in known:
        return box
    told = (ToldNotice(id=notice.id, at=notice.at), *told)[:MAX_OUTBOX]
    queue = [*box.outbox, fit(notice)]
    changes: dict[str, object] = {"told": told}
    if len(queue) > MAX_OUTBOX:
        queue.remove(min(queue, key=lambda item: RANK[item.severity]))
        changes |= {"dropped": box.dropped + 1, "dropped_at": notice.at}
    return box.model_copy(update={**changes, "outbox": tuple(queue)})


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
    if not gone:
        return box
    return box.model_copy(update={"outbox": left, "dropped": box.dropped + gone, "dropped_at": now})
