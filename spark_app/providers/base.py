"""The port to an AI provider: what is asked, what comes back, how it fails."""

from __future__ import annotations

import dataclasses
import email.utils
import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

    from spark_app.core.provider import Provider

__all__ = [
    "Ask",
    "Completion",
    "FailureKind",
    "ProviderFailure",
    "ProviderPort",
    "Turn",
    "failure_below",
    "failure_from_exception",
    "failure_from_status",
]

MAX_RETRY_AFTER = 600.0
MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of one answer, as they come over the wire; 64 000 tokens are a quarter of a megabyte."""
MAX_MODEL = 128
"""Characters of a model's name."""
MAX_TOKENS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to a model; `model` None means the provider's configured one."""

    system: str
    turns: tuple[Turn, ...]
    model: str | None = None
    max_tokens: int = 4096

    def with_model(self, model: str | None) -> Ask:
        """The same question to another model."""
        return dataclasses.replace(self, model=model)

    def followed_by(self, *turns: Turn) -> Ask:
        """The same conversation, gone on."""
        return dataclasses.replace(self, turns=self.turns + turns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's whole answer, with the tokens the provider bills."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    truncated: bool = False


class FailureKind(enum.StrEnum):
    """Why a provider gave no answer."""

    SERVER = "server"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    REJECTED = "rejected"


class ProviderFailure(Exception):  # noqa: N818 - a failure of theirs, not an error of ours
    """A call to a provider failed.

    Args:
        kind: why.
        detail: for logs; holds no key, no prompt and no answer.
        retry_after: the provider's own wish, in seconds, where it gave one.
        about_model: it may be about the model that was asked for, not about the key or the account.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str,
        *,
        retry_after: float | None = None,
        about_model: bool = False,
    ) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.retry_after = retry_after
        self.about_model = about_model

    @property
    def counts_against_provider(self) -> bool:
        """Whether the breaker counts it: what a healthy provider would not have done."""
        return self.kind in _SICK


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


_SICK = frozenset(
    {FailureKind.SERVER, FailureKind.TIMEOUT, FailureKind.CONNECTION, FailureKind.MALFORMED}
)


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


class ProviderPort(Protocol):
    """One provider. Implementations set no deadline and repeat nothing: the caller does."""

    name: Provider

    async def complete(self, ask: Ask) -> Completion:
        """Ask and wait for the whole answer.

        Raises:
            ProviderFailure: always this, whatever went wrong.
        """

    def stream(self, ask: Ask) -> AsyncGenerator[str | Completion]:
        """Ask and get pieces of text as they come, at last the whole `Completion`.

        Raises:
            ProviderFailure: always this, whatever went wrong.
        """

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing, to see whether the key is any good.

        Raises:
            ProviderFailure: it isn't, or the provider can't be reached.
        """

    async def prime(self) -> None:
        """Go once through the SDK without the network: what it builds lazily takes it 0.2 s."""

    async def close(self) -> None:
        """Close the connections."""


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
