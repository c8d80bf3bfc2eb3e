"""HTTP answers of providers: bounded, checked, and their failures named."""

from __future__ import annotations

import email.utils
import math
from typing import TYPE_CHECKING

import httpx2

from spark_app.core.completion import Completion, FailureKind, ProviderFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping


MAX_RETRY_AFTER = 600.0


MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of one answer, as they come over the wire; 64 000 tokens are a quarter of a megabyte."""


MAX_MODEL = 128
"""Characters of a model's name."""


MAX_TOKENS = 2**31 - 1


def checked(
    text: object, *, model: object, input_tokens: object, output_tokens: object, truncated: bool
) -> Completion:
    """A completion that says something; the SDKs hand out whatever JSON a provider sends.

    Raises:
        ProviderFailure: the text is empty, or a member is not what the provider's API says it is.
    """
    said = piece_of(text)
    if not said.strip():
        raise ProviderFailure(FailureKind.MALFORMED, "the completion is empty")
    if not isinstance(model, str) or not model.isprintable() or not 1 <= len(model) <= MAX_MODEL:
        raise ProviderFailure(FailureKind.MALFORMED, "the completion's model is no name")
    spent = []
    for tokens in (input_tokens, output_tokens):
        if not isinstance(tokens, int) or not 0 <= tokens <= MAX_TOKENS:
            raise ProviderFailure(FailureKind.MALFORMED, "the completion's usage is no number")
        spent.append(tokens)
    return Completion(
        text=said,
        model=model,
        input_tokens=spent[0],
        output_tokens=spent[1],
        truncated=truncated,
    )


def piece_of(text: object) -> str:
    """Text that UTF-8 can hold: JSON may carry half a surrogate pair, which becomes U+FFFD.

    Raises:
        ProviderFailure: it is no text.
    """
    if not isinstance(text, str):
        raise ProviderFailure(FailureKind.MALFORMED, "the completion's text is no text")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def hooks(
    told: Callable[[Mapping[str, str]], None] | None,
) -> dict[str, list[Callable[[httpx2.Response], Awaitable[None]]]]:
    """Event hooks of an HTTP client that tell the headers of each answer, and bound its length."""

    async def tell(response: httpx2.Response) -> None:
        if told is not None:
            told(response.headers)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream)

    return {"response": [tell]}


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_ANSWER
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise ProviderFailure(FailureKind.MALFORMED, "the answer is too long")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def failure_from_status(
    status: int, headers: Mapping[str, str], now: Callable[[], float]
) -> ProviderFailure:
    """Classify an HTTP error answer; `now` is Unix time in seconds."""
    detail = f"HTTP {status}"
    if status == 429:
        wait = _retry_after(headers.get("retry-after"), now)
        return ProviderFailure(FailureKind.RATE_LIMITED, detail, retry_after=wait, about_model=True)
    if status in {401, 402, 403}:
        # OpenAI answers 403 also where a project has no access to the model.
        return ProviderFailure(FailureKind.UNAUTHORIZED, detail, about_model=status == 403)
    if status >= 500 or status == 408:
        return ProviderFailure(FailureKind.SERVER, detail)
    return ProviderFailure(FailureKind.REJECTED, detail)


def failure_from_exception(error: Exception) -> ProviderFailure:
    """Classify what no SDK wrapped: within a stream they let the transport's errors through."""
    match error:
        case httpx2.TimeoutException():
            kind = FailureKind.TIMEOUT
        case httpx2.TransportError():
            kind = FailureKind.CONNECTION
        case _:
            kind = FailureKind.MALFORMED
    return ProviderFailure(kind, type(error).__name__)


def failure_below(error: BaseException | None) -> ProviderFailure | None:
    """The failure that was raised below an SDK, which wraps it."""
    while error is not None and not isinstance(error, ProviderFailure):
        error = error.__cause__
    return error


def _retry_after(value: str | None, now: Callable[[], float]) -> float | None:
    # RFC 9110 §10.2.3: a number of seconds, or an HTTP date.
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now()
        except ValueError:
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)
