"""An event on NATS for each generation and export; subjects `spark.generation`, `spark.export`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nats.aio.client import Client

from spark_app.delivery.records import AuditRecord, as_event

if TYPE_CHECKING:
    from spark_app.delivery.records import Record

__all__ = ["NatsPublisher"]

CONNECT_SECONDS = 2
FLUSH_SECONDS = 2


class NatsPublisher:
    """Publishes batches. Reconnecting is the outbox's business, so the client doesn't.

    `Nats-Msg-Id` carries the record's id: JetStream drops what comes twice, and so can others.

    Args:
        url: `nats://`, `tls://`, `ws://` or `wss://`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Client | None = None

    async def __call__(self, records: list[Record]) -> None:
        """Publish a batch and wait until the server has it."""
        client = await self._connected()
        try:
            for record in records:
                data = json.dumps(as_event(record), ensure_ascii=False).encode()
                kind = "audit" if isinstance(record, AuditRecord) else record.kind
                headers = {"Nats-Msg-Id": str(record.id)}
                await client.publish(f"spark.{kind}", data, headers=headers)
            await client.flush(FLUSH_SECONDS)
        except Exception:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected:
            await self.close()

            async def ignore(_: Exception) -> None:
                """The outbox logs what fails."""

            client = Client()
            try:
                await client.connect(
                    self._url,
                    connect_timeout=CONNECT_SECONDS,
                    allow_reconnect=False,
                    max_reconnect_attempts=0,
                    error_cb=ignore,
                    name="spark",
                )
            except BaseException:
                await _discard(client)
                raise
            self._client = client
        return self._client


async def _discard(client: Client) -> None:
    # A WebSocket transport that could not connect leaves its HTTP session open.
    session = getattr(getattr(client, "_transport", None), "_client", None)
    if session is not None:
        await session.close()
