"""What is known about one request while it is served, and how answers are sent."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from spark_app.errors import (
    BadRequestError,
    MethodNotAllowedError,
    PayloadTooLargeError,
    RequestTimeoutError,
    SparkError,
)
from spark_app.jsontext import encode

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from spark_app.errors import Origin
    from spark_app.telemetry.metrics import Attempt

__all__ = [
    "KEY",
    "Exchange",
    "exchange_of",
    "header",
    "problem_document",
    "read_body",
    "send_bytes",
    "send_json",
    "send_problem",
]

KEY = "spark.exchange"
BODY_SECONDS = 10.0
"""Time for a body to come whole: one that doesn't would hold its place for good."""
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Exchange:
    """One request and its answer; lives in the ASGI scope under `KEY`.

    `failed` marks an answer that began well and broke afterwards: a stream whose last event is an
    error counts as the 5xx that it would have been. `origin` None means that nobody was named.
    """

    request_id: str
    attempt: Attempt
    status: int = 0
    origin: Origin | None = None
    failed: bool = False
    key_id: str = "-"
    provider: str = "-"
    cache: str = "-"
    headers: Headers = field(default_factory=list)


def exchange_of(scope: Scope) -> Exchange:
    """The exchange that the edge has put into the scope."""
    return cast("Exchange", scope[KEY])


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a header; `name` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return cast("bytes", value).decode("latin-1")
    return None


async def read_body(receive: Receive, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """Read the whole body.

    Raises:
        PayloadTooLargeError: more than `limit` bytes.
        RequestTimeoutError: it took longer than `seconds`.
        BadRequestError: the client went away half way.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequestError("the connection ended before the body did")
                body += message.get("body", b"")
                if len(body) > limit:
                    raise PayloadTooLargeError(f"send at most {limit} bytes")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise RequestTimeoutError(f"send the whole body within {seconds:g} s") from None


async def send_bytes(
    send: Send, status: int, media_type: bytes, body: bytes, headers: Headers | None = None
) -> None:
    """Answer with a whole body."""
    fields = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "http.response.start", "status": status, "headers": fields + (headers or [])}
    )
    await send({"type": "http.response.body", "body": body})


async def send_json(
    send: Send, status: int, document: object, headers: Headers | None = None
) -> None:
    """Answer with JSON."""
    body = encode(document)
    await send_bytes(send, status, b"application/json", body, headers)


def problem_document(error: SparkError, request_id: str) -> dict[str, object]:
    """The problem as RFC 9457 §3 has it, with the extension members `code` and `retryable`."""
    return {
        "type": error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "retryable": error.retryable,
        "request_id": request_id,
        **error.extra,
    }


async def send_problem(send: Send, scope: Scope, error: SparkError) -> None:
    """Answer with a problem, and note who is to blame."""
    exchange = exchange_of(scope)
    exchange.origin = error.origin
    headers: Headers = [(b"cache-control", b"no-store"), *exchange.headers]
    if isinstance(error, PayloadTooLargeError | RequestTimeoutError):
        # The rest of the body is not wanted.
        headers.append((b"connection", b"close"))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(error.retry_after))).encode()))
    if isinstance(error, MethodNotAllowedError):
        headers.append((b"allow", error.allow.encode()))
    document = problem_document(error, exchange.request_id)
    body = encode(document)
    await send_bytes(send, error.status, b"application/problem+json", body, headers)
