"""What the two providers' wire protocols have in common."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from dev.providers.answers import CHARACTERS_PER_TOKEN, answer
from dev.providers.faults import Outcome

PIECE = 24
"""Characters in one streamed piece of text."""
MAX_PROMPT = 200_000


class RefusedError(Exception):
    """The provider refuses a request before answering it; carries the HTTP status to send."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """A well-formed request: model, prompt (the last user turn), output limit, streaming."""

    model: str
    prompt: str
    max_tokens: int
    stream: bool
    include_usage: bool = False


class Ending(StrEnum):
    """Why a model ended: it was done, out of tokens, unwilling, or stopped by a filter."""

    DONE = "done"
    LENGTH = "length"
    REFUSAL = "refusal"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished answer with its identity; ``text`` is cut where ``max_tokens`` ends it."""

    id: str
    request: Request
    text: str
    ending: Ending
    input_tokens: int
    output_tokens: int

    def pieces(self) -> Iterator[str]:
        """Split the text into the pieces that a stream carries."""
        for start in range(0, len(self.text), PIECE):
            yield self.text[start : start + PIECE]


@dataclass(slots=True)
class Ids:
    """Distinct ids in the providers' form: a prefix and 24 hexadecimal digits."""

    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new(self, prefix: str) -> str:
        """Return the next id."""
        return prefix + hashlib.sha256(f"{prefix}{next(self._numbers)}".encode()).hexdigest()[:24]


class Wire(Protocol):
    """One provider's protocol: how requests are read, and answers and errors written."""

    id_prefix: str

    @property
    def provider(self) -> Literal["anthropic", "openai"]:
        """Return the provider's name in a plan of faults."""

    def key(self, headers: Mapping[str, str]) -> str:
        """Return the API key of a request, '' where there is none."""

    def read(self, body: Mapping[str, Any]) -> Request:
        """Read a request's JSON; raises RefusedError where the provider would."""

    def message(self, completion: Completion) -> dict[str, Any]:
        """Write a whole answer."""

    def events(self, completion: Completion) -> Iterator[bytes]:
        """Write an answer as server-sent events."""

    def stream_error(self) -> bytes:
        """Write the event that ends a stream which failed after its 200."""

    def error(self, status: int, message: str, request_id: str) -> dict[str, Any]:
        """Write an error's JSON."""

    def headers(self, request_id: str) -> dict[str, str]:
        """Return the headers of every response."""

    def quota(self, remaining: int, limit: int) -> dict[str, str]:
        """Return the headers that tell how many requests are left."""

    def prompt_too_long(self) -> dict[str, Any]:
        """Write the error of a prompt that is longer than the model's window."""

    def models(self) -> dict[str, Any]:
        """Write the list of models."""


def complete(request: Request, ident: str, outcome: Outcome = Outcome.OK) -> Completion:
    """Answer a request: the model's text up to ``max_tokens``, or what ``outcome`` has instead."""
    if (unanswered := _UNANSWERED.get(outcome)) is not None:
        ending, text = unanswered
        spent = request.max_tokens if ending is Ending.LENGTH else 1
        return Completion(ident, request, text, ending, 1, spent)
    full = answer(request.prompt)
    cut = full.output_tokens > request.max_tokens
    text = full.text[: request.max_tokens * CHARACTERS_PER_TOKEN] if cut else full.text
    spent = min(full.output_tokens, request.max_tokens)
    ending = Ending.LENGTH if cut else Ending.DONE
    return Completion(ident, request, text, ending, full.input_tokens, spent)


REFUSAL = "I'm sorry, but I can't help with that."
_UNANSWERED = {
    Outcome.EMPTY: (Ending.DONE, ""),
    Outcome.REFUSAL: (Ending.REFUSAL, ""),
    Outcome.FILTER: (Ending.FILTER, ""),
    Outcome.SPENT: (Ending.LENGTH, ""),
    Outcome.PROSE: (Ending.DONE, "Unity's physics engine would be a class of its own to explain."),
}


def last_user_text(messages: object) -> str:
    """Return the text of the last user turn; raises RefusedError 400 where there is none."""
    if not isinstance(messages, list) or not messages:
        raise RefusedError(400, "messages: at least one message is required")
    turns = [m for m in messages if isinstance(m, dict) and m.get("role") == "user"]
    if not turns:
        raise RefusedError(400, "messages: a turn of the role user is required")
    text = _text(turns[-1].get("content"))
    if not text.strip():
        raise RefusedError(400, "messages: text content blocks must be non-empty")
    return text[:MAX_PROMPT]


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    blocks = [block for block in content if isinstance(block, dict)]
    return "\n".join(str(b.get("text", "")) for b in blocks if b.get("type") == "text")


def positive(value: object, name: str) -> int:
    """Return ``value`` as a positive integer; raises RefusedError 400 where it is none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RefusedError(400, f"{name}: a positive integer is required")
    return value


def dump(value: object) -> str:
    """Write JSON as the providers do, without spaces."""
    return json.dumps(value, separators=(",", ":"))
