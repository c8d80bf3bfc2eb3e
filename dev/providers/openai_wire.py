"""OpenAI's Chat Completions API on the wire: JSON, server-sent events and errors.

Source: platform.openai.com/docs/api-reference, "Chat Completions" and "Error codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from dev.providers.wire import (
    REFUSAL,
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

DEFAULT_MAX_TOKENS = 16_384
CREATED = 1_760_000_000
"""Unix time, in seconds, that every object was created at."""
_MODELS = ("gpt-5", "gpt-5-mini", "gpt-4o", "gpt-4o-mini")
_ERRORS: dict[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


class OpenAIWire:
    """The protocol that the official ``openai`` SDK speaks."""

    provider: Literal["openai"] = "openai"
    id_prefix = "chatcmpl-"

    def key(self, headers: Mapping[str, str]) -> str:
        """Return the bearer token."""
        return headers.get("authorization", "").removeprefix("Bearer ")

    def read(self, body: Mapping[str, Any]) -> Request:
        """Read a Chat Completions request; raises RefusedError 400 or 404."""
        model = body.get("model")
        if not isinstance(model, str):
            raise RefusedError(400, "you must provide a model parameter")
        if not model.startswith(("gpt-", "o1", "o3", "o4")):
            raise RefusedError(404, f"The model `{model[:80]}` does not exist")
        limit = body.get("max_completion_tokens", body.get("max_tokens", DEFAULT_MAX_TOKENS))
        options = body.get("stream_options")
        usage = isinstance(options, dict) and options.get("include_usage") is True
        prompt = last_user_text(body.get("messages"))
        tokens = positive(limit, "max_completion_tokens")
        return Request(model, prompt, tokens, body.get("stream") is True, usage)

    def message(self, completion: Completion) -> dict[str, Any]:
        """Write a chat.completion object."""
        refused = completion.ending is Ending.REFUSAL
        said = {"content": None if refused else completion.text}
        choice = {
            "index": 0,
            "message": {"role": "assistant", **said, "refusal": REFUSAL if refused else None},
            "logprobs": None,
            "finish_reason": _finish(completion),
        }
        head = self._head(completion, "chat.completion")
        return head | {"choices": [choice], "usage": _usage(completion)}

    def events(self, completion: Completion) -> Iterator[bytes]:
        """Write chat.completion.chunk objects, the usage if wanted, and [DONE]."""
        head = self._head(completion, "chat.completion.chunk")
        yield _chunk(head, {"role": "assistant", "content": ""}, None)
        for piece in completion.pieces():
            yield _chunk(head, {"content": piece}, None)
        if completion.ending is Ending.REFUSAL:
            yield _chunk(head, {"refusal": REFUSAL}, None)
        yield _chunk(head, {}, _finish(completion))
        if completion.request.include_usage:
            yield _data(head | {"choices": [], "usage": _usage(completion)})
        yield b"data: [DONE]\n\n"

    def stream_error(self) -> bytes:
        """Write the error object that a failure in the middle of a stream causes."""
        return _data(self.error(500, "The server had an error while processing your request", ""))

    def error(self, status: int, message: str, request_id: str) -> dict[str, Any]:
        """Write an error object; OpenAI names the request in a header only."""
        del request_id
        fallback = ("server_error" if status >= 500 else "invalid_request_error", None)
        kind, code = _ERRORS.get(status, fallback)
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    def headers(self, request_id: str) -> dict[str, str]:
        """Name the request as OpenAI does."""
        return {"x-request-id": request_id}

    def quota(self, remaining: int, limit: int) -> dict[str, str]:
        """Tell the quota as the provider does."""
        return {
            "x-ratelimit-remaining-requests": str(remaining),
            "x-ratelimit-limit-requests": str(limit),
        }

    def prompt_too_long(self) -> dict[str, Any]:
        """Write the error of a prompt that is longer than the model's window."""
        text = "This model's maximum context length is 128000 tokens. Please reduce the length."
        said = {"message": text, "type": "invalid_request_error", "param": "messages"}
        return {"error": said | {"code": "context_length_exceeded"}}

    def models(self) -> dict[str, Any]:
        """Write the list of models."""
        data = [
            {"id": m, "object": "model", "created": CREATED, "owned_by": "openai"} for m in _MODELS
        ]
        return {"object": "list", "data": data}

    def _head(self, completion: Completion, kind: str) -> dict[str, Any]:
        return {
            "id": completion.id,
            "object": kind,
            "created": CREATED,
            "model": completion.request.model,
        }


_FINISHES = {
    Ending.DONE: "stop",
    Ending.LENGTH: "length",
    Ending.REFUSAL: "stop",
    Ending.FILTER: "content_filter",
}


def _finish(completion: Completion) -> str:
    return _FINISHES[completion.ending]


def _usage(completion: Completion) -> dict[str, int]:
    return {
        "prompt_tokens": completion.input_tokens,
        "completion_tokens": completion.output_tokens,
        "total_tokens": completion.input_tokens + completion.output_tokens,
    }


def _chunk(head: dict[str, Any], delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _data(head | {"choices": [choice]})


def _data(value: object) -> bytes:
    return f"data: {dump(value)}\n\n".encode()
