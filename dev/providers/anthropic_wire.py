"""Anthropic's Messages API on the wire: JSON, server-sent events and errors.

Source: docs.claude.com, "Messages", "Streaming Messages" and "Errors".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dev.providers.wire import (
    Completion,
    Ending,
    RefusedError,
    Request,
    dump,
    last_user_text,
    positive,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")


class AnthropicWire:
    """The protocol that the official ``anthropic`` SDK speaks."""

    provider: Literal["anthropic"] = "anthropic"
    id_prefix = "msg_"

    def key(self, headers: Mapping[str, str]) -> str:
        """Return the key of ``x-api-key`` or of a bearer token."""
        return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")

    def read(self, body: Mapping[str, Any]) -> Request:
        """Read a Messages request; raises RefusedError 400 or 404."""
        model = body.get("model")
        if not isinstance(model, str):
            raise RefusedError(400, "model: Field required")
        if not model.startswith("claude"):
            raise RefusedError(404, f"model: {model[:80]}")
        limit = positive(body.get("max_tokens"), "max_tokens")
        prompt = last_user_text(body.get("messages"))
        return Request(model, prompt, limit, body.get("stream") is True)

    def message(self, completion: Completion) -> dict[str, Any]:
        """Write a Message object."""
        content = [{"type": "text", "text": completion.text}] if completion.text else []
        return self._head(completion) | {
            "content": content,
            "stop_reason": _stop(completion),
            "usage": {
                "input_tokens": completion.input_tokens,
                "output_tokens": completion.output_tokens,
            },
        }

    def events(self, completion: Completion) -> Iterator[bytes]:
        """Write message_start, one content block's start, deltas and stop, and the end."""
        usage = {"input_tokens": completion.input_tokens, "output_tokens": 1}
        head = self._head(completion) | {"content": [], "stop_reason": None, "usage": usage}
        yield _event("message_start", message=head)
        if completion.text:
            yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            yield _event("ping")
            for piece in completion.pieces():
                delta = {"type": "text_delta", "text": piece}
                yield _event("content_block_delta", index=0, delta=delta)
            yield _event("content_block_stop", index=0)
        yield _event(
            "message_delta",
            delta={"stop_reason": _stop(completion), "stop_sequence": None},
            usage={"output_tokens": completion.output_tokens},
        )
        yield _event("message_stop")

    def stream_error(self) -> bytes:
        """Write the error event that an overload in the middle of a stream causes."""
        return _event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def error(self, status: int, message: str, request_id: str) -> dict[str, Any]:
        """Write an error object with its type and the request's id."""
        kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return {
            "type": "error",
            "error": {"type": kind, "message": message},
            "request_id": request_id,
        }

    def headers(self, request_id: str) -> dict[str, str]:
        """Name the request as Anthropic does."""
        return {"request-id": request_id}

    def quota(self, remaining: int, limit: int) -> dict[str, str]:
        """Tell the quota as the provider does."""
        return {
            "anthropic-ratelimit-requests-remaining": str(remaining),
            "anthropic-ratelimit-requests-limit": str(limit),
        }

    def prompt_too_long(self) -> dict[str, Any]:
        """Write the error of a prompt that is longer than the model's window."""
        return self.error(400, "prompt is too long: 212345 tokens > 200000 maximum", "req_1")

    def models(self) -> dict[str, Any]:
        """Write one page of Model objects."""
        data = [
            {"type": "model", "id": m, "display_name": m, "created_at": "2026-09-01T00:00:00Z"}
            for m in _MODELS
        ]
        return {"data": data, "has_more": False, "first_id": _MODELS[0], "last_id": _MODELS[-1]}

    def _head(self, completion: Completion) -> dict[str, Any]:
        return {
            "id": completion.id,
            "type": "message",
            "role": "assistant",
            "model": completion.request.model,
            "stop_sequence": None,
        }


_STOPS = {
    Ending.DONE: "end_turn",
    Ending.LENGTH: "max_tokens",
    Ending.REFUSAL: "refusal",
    Ending.FILTER: "refusal",
}


def _stop(completion: Completion) -> str:
    return _STOPS[completion.ending]


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {dump({'type': kind} | data)}\n\n".encode()
