"""Tells Sentry and `ERROR_TRACKING_URL` about defects; never a prompt, a script or a key."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import traceback
from typing import TYPE_CHECKING, Any

import httpx2
import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration

from spark_app.delivery.outbox import Outbox

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

    from spark_app.telemetry.metrics import Metrics

__all__ = ["ErrorTracker", "configure_sentry"]

FRAMES = 20
_log = logging.getLogger(__name__)


def configure_sentry(dsn: str, *, release: str, environment: str) -> None:
    """Send unexpected exceptions to Sentry: stack and type, without variables and bodies."""
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=None)],
        before_send=_scrub,
        max_breadcrumbs=0,
        shutdown_timeout=1,
    )


def _scrub(event: Event, hint: Hint) -> Event:
    # An exception's text can quote what a client or a provider sent.
    del hint
    for entry in event.get("exception", {}).get("values", []):
        entry["value"] = "(not sent)"
    event.pop("request", None)
    event.pop("extra", None)
    return event


class ErrorTracker:
    """Reports defects, and counts them for the health endpoint.

    Args:
        url: takes a JSON POST for each defect; None for nowhere.
        sentry: whether Sentry is configured.
    """

    def __init__(self, url: str | None, metrics: Metrics, *, release: str, sentry: bool) -> None:
        self._url = url
        self._release = release
        self._sentry = sentry
        self._client = httpx2.AsyncClient(timeout=3.0, follow_redirects=False) if url else None
        self.outbox: Outbox[dict[str, Any]] | None = None
        if url is not None:
            self.outbox = Outbox("error_tracking", self._post, metrics, size=200, batch=20)
        self.seen = 0
        self.last: str | None = None

    def report(self, error: BaseException, request_id: str) -> None:
        """Report one defect; never waits, never raises."""
        self.seen += 1
        now = dt.datetime.now(dt.UTC).isoformat()
        self.last = now
        if self._sentry:
            sentry_sdk.capture_exception(error)
        if self.outbox is not None:
            frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
            self.outbox.put(
                {
                    "at": now,
                    "release": self._release,
                    "request_id": request_id,
                    "type": type(error).__qualname__,
                    "stack": [f"{f.filename}:{f.lineno} {f.name}" for f in frames],
                }
            )

    def statistics(self) -> dict[str, object]:
        """For `checks.errorTracking` of the health endpoint."""
        found: dict[str, object] = {
            "status": "pass",
            "required": False,
            "sentry": self._sentry,
            "url": self._url is not None,
            "errors": self.seen,
            "last_error_at": self.last,
        }
        if self.outbox is not None:
            found["status"] = "fail" if self.outbox.failing else "pass"
            found["delivered"] = self.outbox.delivered
            found["waiting"] = self.outbox.waiting
            found["dropped"] = self.outbox.dropped
        return found

    async def close(self) -> None:
        """Deliver what is left, and close."""
        if self.outbox is not None:
            await self.outbox.flush(1.0)
        if self._client is not None:
            await self._client.aclose()
        if self._sentry:
            await asyncio.to_thread(sentry_sdk.get_client().close, 1.0)

    async def _post(self, reports: list[dict[str, Any]]) -> None:
        if self._client is not None and self._url is not None:
            # The status is all that counts: a body of whatever length stays unread.
            async with self._client.stream("POST", self._url, json={"errors": reports}) as answer:
                answer.raise_for_status()
