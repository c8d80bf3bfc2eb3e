"""What a model is asked, what comes back, and how it fails."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message of the conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest:
    """One question to a model; `model` None means the provider's configured one."""

    system: str
    turns: tuple[ChatTurn, ...]
    model: str | None = None
    max_tokens: int = 4096

    def with_model(self, model: str | None) -> CompletionRequest:
        """The same question to another model."""
        return dataclasses.replace(self, model=model)

    def followed_by(self, *turns: ChatTurn) -> CompletionRequest:
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


_SICK = frozenset(
    {FailureKind.SERVER, FailureKind.TIMEOUT, FailureKind.CONNECTION, FailureKind.MALFORMED}
)
