"""Sends a message on the channel it is for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from spark_operator.adapters.notifiers import mail
from spark_operator.api.notifications import (
    EmailChannel,
    PagerDutyChannel,
    SlackChannel,
    WebhookChannel,
)
from spark_operator.core.notifications import texts
from spark_operator.ports.notifications import ChannelError

if TYPE_CHECKING:
    import ssl

    from spark_operator.adapters.notifiers.outgoing import Outgoing
    from spark_operator.adapters.secret_files import SecretFiles
    from spark_operator.core.notifications.routing import ChannelRoute
    from spark_operator.core.notifications.texts import Message
    from spark_operator.ports.clock import Clock

SECONDS: Final = 5.0
"""Longest time one attempt may take, from reading the credentials to the server's answer."""
PAGERDUTY: Final = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}


class Channels:
    """The ``Sender`` port on the real channels."""

    def __init__(
        self,
        outgoing: Outgoing,
        secrets: SecretFiles,
        tls: ssl.SSLContext,
        clock: Clock,
        *,
        pagerduty: str = "",
        seconds: float = SECONDS,
    ) -> None:
        """``pagerduty`` replaces PagerDuty's own addresses, where events go through a gateway.

        It is the administrator's to set: a resource that could name the address could have the
        routing key sent to itself.
        """
        self._outgoing = outgoing
        self._secrets = secrets
        self._tls = tls
        self._clock = clock
        self._pagerduty = pagerduty
        self._seconds = seconds

    async def send(self, route: ChannelRoute, message: Message) -> None:
        """See ``Sender.send``."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(route, message)
        except TimeoutError:
            raise ChannelError(f"no answer within {self._seconds:g} s") from None

    async def _send(self, route: ChannelRoute, message: Message) -> None:
        match route.channel:
            case EmailChannel() as channel:
                server = self._secrets.read(channel.server, message.namespace)
                await mail.send(server, texts.email(message, channel), self._tls, self._seconds)
            case SlackChannel() as channel:
                url = self._secrets.read(channel.webhook_url, message.namespace)
                await self._post(url, texts.slack(message, channel.template))
            case PagerDutyChannel() as channel:
                key = self._secrets.read(channel.routing_key, message.namespace)
                url = self._pagerduty or PAGERDUTY[channel.region]
                await self._post(url, texts.pagerduty(message, channel.template, key))
            case WebhookChannel() as channel:
                await self._webhook(channel, message)
            case channel:
                raise TypeError(f"{type(channel).__name__} is no known kind of channel")

    async def _webhook(self, channel: WebhookChannel, message: Message) -> None:
        url = channel.url or ""
        if channel.url_from is not None:
            url = self._secrets.read(channel.url_from, message.namespace)
        headers = {"Idempotency-Key": message.key}
        body = _encoded(texts.webhook(message, channel.template))
        if channel.signing_key is not None:
            key = self._secrets.read(channel.signing_key, message.namespace)
            now = int(self._clock.now())
            headers["X-Spark-Timestamp"] = str(now)
            headers["X-Spark-Signature"] = texts.signature(key, now, body)
        await self._outgoing.post(url, body, headers)

    async def _post(self, url: str, body: dict[str, Any]) -> None:
        await self._outgoing.post(url, _encoded(body), {})


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
