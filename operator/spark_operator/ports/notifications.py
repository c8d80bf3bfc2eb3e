"""Where notifications go."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.notifications.routing import ChannelRoute
    from spark_operator.core.notifications.texts import Message
    from spark_operator.ports.cluster import Key


class ChannelError(Exception):
    """A notification was not taken; worth another try.

    The message says what is wrong in words for status and logs: it never holds a credential.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        """``retry_after``: seconds the server asks to be left alone; 0 where it asks nothing."""
        super().__init__(message)
        self.retry_after = retry_after


class ChannelRefusedError(ChannelError):
    """The channel refuses this message, or any, until somebody corrects something."""


class Sender(Protocol):
    """Carries one message to one channel."""

    async def send(self, route: ChannelRoute, message: Message) -> None:
        """Deliver the message, within a bounded time; return once the channel has taken it.

        Raises:
            ChannelError: it was not taken, as far as is known.
        """


class DeliveryReport(NamedTuple):
    """What became of one resource's notices since they were last read from its status."""

    done: frozenset[tuple[str, str]] = frozenset()
    """NotificationQueue and the channels that have taken them, as pairs of ids."""
    problems: Mapping[str, str] = MappingProxyType({})
    """What is wrong with each channel whose last attempt failed."""


class NotificationQueue(Protocol):
    """Sends what outboxes hold, beside the reconciles and never inside one."""

    def offer(self, key: Key, resource: SparkDeployment) -> None:
        """Take over the outbox of a resource as it is stored; returns at once."""

    def deliveries(self, key: Key) -> DeliveryReport:
        """What became of what was offered."""

    def forget(self, key: Key) -> None:
        """The resource is gone: stop sending for it."""
