"""Which answers of a provider are the request's doing: refused, too long, or stopped by a filter.

A healthy provider gives them, and would give them again. Sources: Anthropic's "Stop reasons" and
"Errors", OpenAI's "Chat Completions" (``finish_reason``, ``refusal``) and "Error codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.core.completion import FailureKind, ProviderFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDINGS = {
    "refusal": FailureKind.REFUSED,
    "content_filter": FailureKind.REFUSED,
    "max_tokens": FailureKind.OUTPUT_TOO_LONG,
    "length": FailureKind.OUTPUT_TOO_LONG,
    "model_context_window_exceeded": FailureKind.OUTPUT_TOO_LONG,
}
_CODES = {
    "context_length_exceeded": FailureKind.PROMPT_TOO_LONG,
    "string_above_max_length": FailureKind.PROMPT_TOO_LONG,
    "request_too_large": FailureKind.PROMPT_TOO_LONG,
    "content_filter": FailureKind.REFUSED,
    "content_policy_violation": FailureKind.REFUSED,
    "invalid_prompt": FailureKind.REFUSED,
}
# Anthropic's errors have a type, but no code of their own.
_SENTENCES = (
    ("prompt is too long", FailureKind.PROMPT_TOO_LONG),
    ("exceed context limit", FailureKind.PROMPT_TOO_LONG),
    ("content filtering policy", FailureKind.REFUSED),
)
MAX_SENTENCE = 500


def failure_from_ending(ending: object) -> ProviderFailure | None:
    """Return what a ``stop_reason`` or ``finish_reason`` says, where no answer is to be used."""
    kind = _ENDINGS.get(ending) if isinstance(ending, str) else None
    return None if kind is None else ProviderFailure(kind, f"the answer ended by {ending}")


def blamed_on_request(status: int, body: object) -> ProviderFailure | None:
    """Return what an error's JSON says, where the request is the reason; ``status`` is HTTP's."""
    if status == 413:
        return ProviderFailure(FailureKind.PROMPT_TOO_LONG, "HTTP 413")
    error = _inner(body)
    if error is None or status not in {400, 422}:
        return None
    kinds = [_CODES[word] for word in _words(error) if word in _CODES]
    message = error.get("message")
    if isinstance(message, str):
        said = message[:MAX_SENTENCE].lower()
        kinds += [kind for sentence, kind in _SENTENCES if sentence in said]
    return ProviderFailure(kinds[0], f"HTTP {status}") if kinds else None


def _inner(body: object) -> Mapping[str, object] | None:
    # Anthropic's SDK hands out the whole document, OpenAI's what is under ``error``.
    if isinstance(body, dict):
        inner = body.get("error", body)
        return inner if isinstance(inner, dict) else None
    return None


def _words(error: Mapping[str, object]) -> list[str]:
    return [word for name in ("code", "type") if isinstance(word := error.get(name), str)]
