"""What is known about one request while it is served, and how answers are sent."""

from __future__ import annotations

import asyncio
import math
import re
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

KEY = "spark.exchange"
BODY_SECONDS = 10.0
"""Time for a body to come whole: one that does not would hold its place for good."""
Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Exchange:
    """One request and its answer; lives in the ASGI scope under ``KEY``.

    ``failed`` marks an answer that began well and broke afterwards: a stream whose last event is an
    error counts as the status that it would have had, ``ended``, or else as 500. ``origin`` None
    means that nobody was named.
    """

    request_id: str
    attempt: Attempt
    status: int = 0
    origin: Origin | None = None
    failed: bool = False
    ended: int = 500
    key_id: str = "-"
    provider: str = "-"
    cache: str = "-"
    headers: Headers = field(default_factory=list)


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange that the edge has put into the scope."""
    return cast("Exchange", scope[KEY])


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first value of a header; ``name`` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return cast("bytes", value).decode("latin-1")
    return None


def accepts(accept: str | None, media_type: str) -> bool:
    """Whether an ``Accept`` names a media type, other than to refuse it by ``q=0``."""
    for part in (accept or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == media_type:
            return not any(_NEVER.fullmatch(parameter) for parameter in parameters)
    return False


_NEVER = re.compile(r"q\s*=\s*0(\.0{0,3})?")


async def read_body(
    scope: Scope, receive: Receive, limit: int, seconds: float = BODY_SECONDS
) -> bytes:
    """Read the whole body.

    Raises:
        PayloadTooLargeError: more than ``limit`` bytes, or that many are announced.
        RequestTimeoutError: it took longer than ``seconds``.
        BadRequestError: the client went away half way.
    """
    announced = header(scope, b"content-length")
    if announced is not None and announced.isdigit() and _exceeds(announced, limit):
        raise PayloadTooLargeError(f"send at most {limit} bytes")
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


def _exceeds(digits: str, limit: int) -> bool:
    # Of any length: Python refuses to read thousands of digits.
    shown = digits.lstrip("0")
    return len(shown) > len(str(limit)) or int(shown or "0") > limit


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
    """Write the problem as RFC 9457 §3 has it, with the members ``code`` and ``retryable``."""
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
