"""What the API server answers: read within bounds, and its errors as ours."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
from kubernetes.aio.client.exceptions import ApiException

from spark_operator.ports.cluster import (
    ClusterError,
    ConflictError,
    GoneError,
    RefusedError,
    TooLargeError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Longest answer that is read: whoever may make objects may make many with our label."""
CHUNK_BYTES: Final = 1024 * 1024


async def whole(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer.

    Raises:
        UnavailableError: it is longer than ``MAX_ANSWER_BYTES``; the rest is not read.
    """
    body = bytearray()
    with ExitStack() as failing:
        failing.callback(drop, answer)
        while chunk := await answer.content.read(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise UnavailableError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
        failing.pop_all()
    return bytes(body)


def drop(answer: aiohttp.ClientResponse) -> None:
    """Give up an answer that is not read to its end, and its connection with it, at once.

    A farewell by TLS would keep the connection for as long as the server likes.
    """
    transport = answer.connection.transport if answer.connection else None
    if transport is not None:
        transport.abort()
    answer.close()


def retry_after(answer: aiohttp.ClientResponse) -> float | None:
    """For how many seconds a request shall not be repeated, as its answer says; None: it does not.

    Source: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/, and RFC 9110
    on Retry-After, of which the API server uses the form in seconds.
    """
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


@contextmanager
def explained(method: str, path: str) -> Iterator[None]:
    """Raise what goes wrong with one request as a ``ClusterError``."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        what = type(error).__name__
        raise UnavailableError(f"{method} {path}: no usable answer ({what}): {error}") from error
    except ApiException as error:
        raise classify(error.status or 0, f"{method} {path}: {error.reason}", "") from error


def explanation(method: str, path: str, text: bytes) -> tuple[str, str]:
    """Return what was asked and what the API server says about it, and its reason in one word."""
    try:
        status = json.loads(text)
        words, reason = str(status.get("message", "")), str(status.get("reason", ""))
    except (ValueError, AttributeError):
        words, reason = text[:200].decode(errors="replace"), ""
    return f"{method} {path.partition('?')[0]}: {words[:500]}", reason


def classify(status: int, message: str, reason: str) -> ClusterError:
    """Return the error class for an HTTP status and a reason of the API server.

    Source: https://kubernetes.io/docs/reference/using-api/api-concepts/, and the reasons in
    k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
    """
    if status >= 500 and "request is too large" in message:
        return TooLargeError(message)
    if status == 401:
        return UnavailableError(f"{message} (the operator's credentials are not accepted)")
    if status in (0, 429) or status >= 500:
        return UnavailableError(message)
    known = {404: GoneError, 410: GoneError, 409: ConflictError, 413: TooLargeError}
    if status in known:
        return known[status](message)
    return RefusedError(f"{message} ({reason})" if reason else message)
