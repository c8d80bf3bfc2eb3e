"""Where Alertmanager posts alerts: authenticated, bounded, and answered once they are dealt with.

Each status means one thing: 200 dealt with and stored; 401 no valid bearer token; 404 no such path;
405 not a POST; 408 the body came too slowly; 413 too large; 415 no plain JSON; 422 no payload of
version 4; 429 too many requests; 503 not the leader, or not dealt with in time: send it again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from spark_operator.adapters.alerts import alertmanager
from spark_operator.adapters.alerts.inbox import UNKNOWN, Inbox, InboxFullError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key

PATH: Final = "/alerts/v4"
MAX_BODY_BYTES: Final = 262_144
MAX_TOKEN_BYTES: Final = 4096
READ_SECONDS: Final = 5.0
DECIDE_SECONDS: Final = 5.0
"""Shorter than Alertmanager's own patience, which is at least 10 s."""
REQUESTS_A_SECOND: Final = 5.0
BURST: Final = 20.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Bucket:
    """Lets ``rate`` requests a second pass, and ``burst`` at once."""

    rate: float
    burst: float
    left: float
    at: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may pass at ``now``, seconds since the epoch."""
        gained = max(0.0, now - self.at) * self.rate
        self.left, self.at = min(self.burst, self.left + gained), now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Receiver:
    """A small HTTP or HTTPS server with one path."""

    def __init__(
        self,
        inbox: Inbox,
        clock: Clock,
        token: Path,
        *,
        port: int,
        leads: Callable[[], bool],
        wake: Callable[[Key], None],
        observer: Callable[[str], None],
        namespaces: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Make a receiver that does not listen yet.

        Args:
            inbox: takes the alerts.
            clock: for the rate limit.
            token: file with the bearer token, read at every request.
            port: TCP port.
            leads: whether this process decides now.
            wake: has a resource looked at.
            observer: is told what came of each alert.
            namespaces: alerts about others are about nothing of ours; empty: all.
            tls: certificate and key; None: plain HTTP.
        """
        self._inbox = inbox
        self._clock = clock
        self._token = token
        self._port = port
        self._leads = leads
        self._wake = wake
        self._observer = observer
        self._namespaces = frozenset(namespaces)
        self._tls = tls
        self._bucket = Bucket(REQUESTS_A_SECOND, BURST, BURST, clock.now())
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to serve on all addresses.

        Raises:
            OSError: the port is taken.
        """
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_post(PATH, self._receive)
        # What is compressed is refused, so nothing may be unpacked before.
        self._runner = web.AppRunner(
            application, access_log=None, auto_decompress=False, shutdown_timeout=1.0
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._port, ssl_context=self._tls).start()

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await request.read()
            addressed = alertmanager.read(body)
        except TimeoutError:
            return _answer(408, "the body did not come in time")
        except alertmanager.PayloadError as error:
            return _answer(422, str(error))
        outcomes = await self._dealt_with(addressed)
        if outcomes is None:
            return _answer(503, "not dealt with in time: send it again")
        for outcome in outcomes:
            self._observer(outcome)
        return web.Response(
            text=json.dumps({"outcomes": Counter(outcomes)}), content_type="application/json"
        )

    def _refusal(self, request: web.Request) -> web.Response | None:
        if not self._is_authentic(request.headers.get("Authorization", "")):
            return _answer(401, "a valid bearer token is needed", {"WWW-Authenticate": "Bearer"})
        if not self._bucket.take(self._clock.now()):
            return _answer(429, "too many requests", {"Retry-After": "1"})
        if request.content_type != "application/json" or "Content-Encoding" in request.headers:
            return _answer(415, "send application/json, not compressed")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            return _answer(413, f"at most {MAX_BODY_BYTES} bytes")
        if not self._leads():
            return _answer(503, "another replica leads: send it again")
        return None

    def _is_authentic(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        try:
            with self._token.open("rb") as file:
                wanted = file.read(MAX_TOKEN_BYTES).strip()
        except OSError as error:
            log.warning("the alert token cannot be read: %s: mount it", type(error).__name__)
            return False
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), wanted)
        return bool(wanted) and scheme.lower() == "bearer" and same

    async def _dealt_with(self, addressed: tuple[alertmanager.Addressed, ...]) -> list[str] | None:
        """What came of each alert; None where not all are dealt with in time."""
        outcomes: list[str] = []
        futures = []
        try:
            for key, alert in addressed:
                if key is None or (self._namespaces and key.namespace not in self._namespaces):
                    outcomes.append(UNKNOWN)
                    continue
                futures.append(self._inbox.offer(key, alert))
                self._wake(key)
        except InboxFullError as error:
            log.warning("alerts refused: %s", error)
            return None
        if futures:
            done, waiting = await asyncio.wait(futures, timeout=DECIDE_SECONDS)
            outcomes += [future.result() for future in done]
            return None if waiting else outcomes
        return outcomes


def _answer(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """An answer after which the connection is closed: the next try may meet another replica."""
    response = web.Response(status=status, text=text, headers=headers)
    response.force_close()
    return response
