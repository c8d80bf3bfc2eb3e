"""Literals for tests of notifications: channels, notices, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.fields import to_time
from spark_operator.api.status.outbox import Notice, NotificationsStatus
from spark_operator.core.notifications.routing import ChannelRoute, routes
from spark_operator.core.notifications.texts import Message
from tests.unit.operator.core.builders import NOW, name, resource

if TYPE_CHECKING:
    from spark_operator.api.notifications import Severity

REF: Final = {"name": "alerts", "key": "value"}
SLACK: Final = {"webhookURL": REF}
PAGER: Final = {"routingKey": REF}
WEBHOOK: Final = {"url": "https://hooks.example.com/spark"}
EMAIL: Final = {"server": REF, "from": "spark@example.com", "to": ["devops@example.com"]}
ALL: Final[dict[str, Any]] = {
    "email": [EMAIL],
    "slack": [SLACK],
    "pagerDuty": [PAGER],
    "webhook": [{**WEBHOOK, "minSeverity": "info"}],
}


def notice(number: int = 1, severity: Severity = "info", **changes: Any) -> Notice:
    """A notice for Slack; its id and time come from ``number``."""
    made = Notice(
        id=f"{number:016x}",
        at=to_time(NOW + number),
        kind="RollingBack",
        reason="ErrorRateCritical",
        release=name(2),
        severity=severity,
        message="50.0% of 1200 requests failed, at least 46.1%, above 10%",
        pending=("slack/default",),
    )
    return made.model_copy(update=changes)


def box(*notices: Notice, **changes: Any) -> NotificationsStatus:
    """An outbox."""
    return NotificationsStatus(outbox=notices).model_copy(update=changes)


def message(**changes: Any) -> Message:
    """A message about the resource ``production/spark``."""
    return Message(notice(**changes), "production", "spark", "uid-1", "production")


def route(**told: Any) -> ChannelRoute:
    """The only channel of a resource."""
    (found,) = routes(resource(notifications=told).spec)
    return found


def webhook(url: str, **more: Any) -> ChannelRoute:
    """A webhook at this address."""
    return route(webhook=[{"url": url, **more}])
