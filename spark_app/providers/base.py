"""The port to an AI provider: what is asked, what comes back, how it fails."""

from __future__ import annotations

import dataclasses
import email.utils
import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from spark_app.core.provider import Provider

__all__ = [
    "Ask",
    "Completion",
    "FailureKind",
    "ProviderFailure",
    "ProviderPort",
    "Turn",
    "failure_from_exception",
    "failure_from_status",
]

MAX_RETRY_AFTER = 600.0


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
    """

    def __init__(self, kind: FailureKind, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.retry_after = retry_after

    @property
    def counts_against_provider(self) -> bool:
        """Whether the breaker counts it: what a healthy provider would not have done."""
        return self.kind in _SICK


def checked(text: str, **rest: Any) -> Completion:
    """A completion that says something.

    Raises:
        ProviderFailure: the text is empty; ``rest`` are the other members of ``Completion``.
    """
    if not text.strip():
        raise ProviderFailure(FailureKind.MALFORMED, "the completion is empty")
    return Completion(text=text, **rest)


_SICK = frozenset(
    {FailureKind.SERVER, FailureKind.TIMEOUT, FailureKind.CONNECTION, FailureKind.MALFORMED}
)


def hooks(
    told: Callable[[Mapping[str, str]], None] | None,
) -> dict[str, list[Callable[[httpx2.Response], Awaitable[None]]]]:
    """Event hooks of an HTTP client that tell the headers of each answer."""

    async def tell(response: httpx2.Response) -> None:
        if told is not None:
            told(response.headers)

    return {"response": [tell]}


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
        return ProviderFailure(FailureKind.RATE_LIMITED, detail, retry_after=wait)
    if status in {401, 402, 403}:
        return ProviderFailure(FailureKind.UNAUTHORIZED, detail)
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
