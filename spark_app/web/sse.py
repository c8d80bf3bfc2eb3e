"""A generation as server-sent events: `delta`, `repair`, then `result` or `error`.

Source: WHATWG HTML, "Server-sent events". Nothing is sent before the first event, so whatever goes
wrong until then is an ordinary problem with its own status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.errors import InternalError, SparkError
from spark_app.generation.scriptwriter import Delta, RepairNotice, WrittenScript
from spark_app.jsontext import encode
from spark_app.web.exchange import exchange_of, problem_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Scope, Send

__all__ = ["send_stream"]

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def send_stream(
    send: Send, scope: Scope, items: AsyncIterator[Delta | RepairNotice | WrittenScript]
) -> WrittenScript | None:
    """Send all items; returns the answer, or None when the stream ended in an error.

    Raises:
        SparkError: before anything was sent.
    """
    begun = False
    answer: WrittenScript | None = None
    try:
        async for item in items:
            if not begun:
                begun = True
                await _start(send, scope, item)
            answer = item if isinstance(item, WrittenScript) else None
            await _body(send, _encode(item))
    except SparkError as error:
        if not begun:
            raise
        await _fail(send, scope, error)
        return None
    await _body(send, b"", more=False)
    return answer


async def _start(send: Send, scope: Scope, first: Delta | RepairNotice | WrittenScript) -> None:
    headers = [*_HEADERS, *exchange_of(scope).headers]
    if isinstance(first, WrittenScript):
        headers.append((b"x-spark-cache", first.source.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _fail(send: Send, scope: Scope, error: SparkError | InternalError) -> None:
    exchange = exchange_of(scope)
    exchange.failed = True
    exchange.origin = error.origin
    document = problem_document(error, exchange.request_id)
    await _body(send, _event("error", encode(document).decode()), more=False)


async def _body(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


def _encode(item: Delta | RepairNotice | WrittenScript) -> bytes:
    match item:
        case Delta(text):
            return _event("delta", encode({"text": text}).decode())
        case RepairNotice(findings):
            return _event("repair", encode({"findings": findings}).decode())
        case WrittenScript():
            return _event("result", item.script.body(cached=item.source == "hit").decode())


def _event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()
