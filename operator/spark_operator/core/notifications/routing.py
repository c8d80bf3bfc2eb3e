"""Which channels are told what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from spark_operator.api.notifications import PagerDutyChannel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.api.notifications import Channel, Severity
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.api.status.outbox import Alarm

Action = Literal["notify", "trigger", "acknowledge", "resolve"]

RANK: Final[dict[Severity, int]] = {"info": 0, "warning": 1, "critical": 2}


@dataclass(frozen=True, slots=True)
class ChannelRoute:
    """One configured channel under the name that status and metrics use, as ``slack/default``."""

    id: str
    kind: str
    channel: Channel

    @property
    def pages(self) -> bool:
        """Whether it keeps incidents, and so is told their beginning and end only."""
        return isinstance(self.channel, PagerDutyChannel)


def routes(spec: SparkDeploymentSpec) -> tuple[ChannelRoute, ...]:
    """The channels that are for this resource's environment."""
    told = spec.notifications
    groups: tuple[tuple[str, tuple[Channel, ...]], ...] = (
        ("email", told.email),
        ("slack", told.slack),
        ("pagerDuty", told.pager_duty),
        ("webhook", told.webhook),
    )
    return tuple(
        ChannelRoute(f"{kind}/{channel.name}", kind, channel)
        for kind, channels in groups
        for channel in channels
        if not channel.environments or spec.environment in channel.environments
    )


def reaches(channel: Channel, severity: Severity) -> bool:
    """Whether the channel wants to hear of something this severe."""
    return RANK[severity] >= RANK[channel.min_severity]


def recipients(
    among: Iterable[ChannelRoute], severity: Severity, action: Action, alarms: Iterable[Alarm]
) -> tuple[str, ...]:
    """Ids of the channels that a notice is for.

    Args:
        among: the channels there are.
        severity: how bad it is, or, where something is over, how bad it was.
        action: what it does to the incident.
        alarms: the alarms that are open after it.  A pager is told of the end when none that it
            would page for is left, and of containment when all those are contained.
    """
    return tuple(
        route.id
        for route in among
        if reaches(route.channel, severity)
        and (not route.pages or _concerns_pager(route.channel, action, alarms))
    )


def _concerns_pager(channel: Channel, action: Action, alarms: Iterable[Alarm]) -> bool:
    left = [alarm for alarm in alarms if reaches(channel, alarm.severity)]
    if action == "resolve":
        return not left
    if action == "acknowledge":
        return all(alarm.contained for alarm in left)
    return action == "trigger"
