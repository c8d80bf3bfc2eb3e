"""The bytes of one reply, whole or broken in one of the ways that providers break."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.providers.faults import Outcome
from dev.providers.wire import Completion, Wire, dump

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

HANG_LIMIT = 300.0
"""Seconds after which a hanging request is dropped, however patient its client is."""
DRIP_PIECES = 50
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, headers and the body's pieces; an ASGI application that sends exactly these.

    ``pause`` is the time in seconds between two pieces.  With ``cut`` the connection is dropped
    after the last piece, before the body's end.
    """

    status: int
    headers: dict[str, str]
    pieces: Sequence[bytes]
    pause: float = 0.0
    cut: bool = False
    declared: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the reply; returning before the body's end makes the server drop the connection."""
        headers = dict(self.headers)
        if self.declared is not None:
            headers["content-length"] = str(self.declared)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self.pause:
                await asyncio.sleep(self.pause)
        if not self.cut:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def whole(status: int, headers: dict[str, str], body: object) -> Reply:
    """Reply with JSON."""
    data = dump(body).encode()
    return Reply(status, _json(headers), [data], declared=len(data))


def reply(
    wire: Wire, completion: Completion, outcome: Outcome, headers: dict[str, str], drip: float
) -> Reply:
    """Write a completion as ``outcome`` wants it; ``drip`` is a dripping body's time in seconds."""
    if outcome is Outcome.WRONG_TYPE:
        return Reply(200, headers | {"content-type": "text/html"}, [_HTML], declared=len(_HTML))
    if completion.request.stream:
        return _streamed(wire, completion, outcome, headers, drip)
    data = dump(wire.message(completion)).encode()
    if outcome is Outcome.DRIP:
        size = -(-len(data) // DRIP_PIECES)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        return Reply(200, _json(headers), pieces, drip / len(pieces), declared=len(data))
    if outcome is Outcome.RESET:
        return Reply(200, _json(headers), [data[: len(data) // 2]], cut=True, declared=len(data))
    if outcome is Outcome.MALFORMED:
        data = data[: len(data) // 2]
    return Reply(200, _json(headers), [data], declared=len(data))


def _streamed(
    wire: Wire, completion: Completion, outcome: Outcome, headers: dict[str, str], drip: float
) -> Reply:
    events = list(wire.events(completion))
    headers = headers | {"content-type": "text/event-stream; charset=utf-8"}
    half = events[: len(events) // 2]
    match outcome:
        case Outcome.RESET:
            return Reply(200, headers, half, cut=True)
        case Outcome.STREAM_ERROR:
            return Reply(200, headers, [*half, wire.stream_error()])
        case Outcome.MALFORMED:
            broken = events[len(half)].rstrip()[:-2] + b"\n\n"
            return Reply(200, headers, [*half, broken])
        case Outcome.DRIP:
            return Reply(200, headers, events, drip / len(events))
        case _:
            return Reply(200, headers, [b"".join(events)])


async def hang(receive: Receive) -> None:
    """Wait until the client gives up, at most ``HANG_LIMIT`` seconds."""
    try:
        async with asyncio.timeout(HANG_LIMIT):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def _json(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"content-type": "application/json"}
