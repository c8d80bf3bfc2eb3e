"""Claude, through the official `anthropic` SDK and its Messages API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
from anthropic.types import Message

from spark_app.core.completion import (
    ChatTurn,
    Completion,
    CompletionRequest,
    FailureKind,
    ProviderFailure,
)
from spark_app.providers.http import (
    checked,
    failure_below,
    failure_from_exception,
    failure_from_status,
    hooks,
    piece_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from spark_app.core.provider import Provider

__all__ = ["ClaudeProvider"]


class ClaudeProvider:
    """One API key's access to Claude.

    The SDK's own retries are off and its timeout is none: one deadline, the caller's, covers all.

    Args:
        key: the API key.
        base_url: None for Anthropic's own.
        model: the model where a request names none.
        told: gets the headers of each answer, whatever its status.
    """

    name: Provider = "claude"

    def __init__(
        self,
        key: str,
        base_url: str | None,
        model: str,
        told: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        self._model = model
        self._client = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=base_url,
            max_retries=0,
            timeout=None,
            open_telemetry=False,
            http_client=anthropic.DefaultAsyncHttpxClient(timeout=None, event_hooks=hooks(told)),
        )

    async def complete(self, ask: CompletionRequest) -> Completion:
        """See `ProviderPort.complete`."""
        try:
            message: object = await self._client.messages.create(
                **self._parameters(ask), stream=False
            )
        except Exception as error:
            raise _translate(error) from error
        if not isinstance(message, Message):
            raise ProviderFailure(FailureKind.MALFORMED, "the answer is no Message")
        return _completion(message)

    async def stream(self, ask: CompletionRequest) -> AsyncGenerator[str | Completion]:
        """See `ProviderPort.stream`."""
        text: list[str] = []
        model, stop, spent_in, spent_out, ended = ask.model or self._model, None, 0, 0, False
        try:
            events = await self._client.messages.create(**self._parameters(ask), stream=True)
            async with events:
                async for event in events:
                    if event.type == "message_start":
                        model = event.message.model
                        spent_in = event.message.usage.input_tokens
                    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                        text.append(piece_of(event.delta.text))
                        yield text[-1]
                    elif event.type == "message_delta":
                        stop = event.delta.stop_reason
                        spent_out = event.usage.output_tokens
                    elif event.type == "message_stop":
                        ended = True
        except Exception as error:
            raise _translate(error) from error
        if not ended:
            kind = FailureKind.CONNECTION if text else FailureKind.MALFORMED
            raise ProviderFailure(kind, "the stream ended before its last event")
        yield checked(
            "".join(text),
            model=model,
            input_tokens=spent_in,
            output_tokens=spent_out,
            truncated=stop == "max_tokens",
        )

    async def check(self) -> None:
        """See `ProviderPort.check`."""
        try:
            await self._client.models.list(limit=1)
        except Exception as error:
            raise _translate(error) from error

    async def prime(self) -> None:
        """See `ProviderPort.prime`."""
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(_sample)) as offline:
            client = self._client.with_options(http_client=offline)
            wanted = self._parameters(CompletionRequest(system="-", turns=(ChatTurn("user", "-"),)))
            await client.messages.create(**wanted, stream=False)
            stream = await client.messages.create(**wanted, stream=True)
            await stream.close()

    async def close(self) -> None:
        """See `ProviderPort.close`."""
        await self._client.close()

    def _parameters(self, ask: CompletionRequest) -> dict[str, Any]:
        turns = [{"role": turn.role, "content": turn.text} for turn in ask.turns]
        return {
            "model": ask.model or self._model,
            "max_tokens": ask.max_tokens,
            "system": ask.system,
            "messages": turns,
        }


def _sample(request: httpx2.Request) -> httpx2.Response:
    del request
    return httpx2.Response(
        200,
        json={
            "id": "-",
            "type": "message",
            "role": "assistant",
            "model": "-",
            "content": [{"type": "text", "text": "-"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
    )


def _completion(message: Message) -> Completion:
    try:
        return checked(
            "".join(block.text for block in message.content if block.type == "text"),
            model=message.model,
            input_tokens=message.usage.input_tokens,
            output_tokens=message.usage.output_tokens,
            truncated=message.stop_reason == "max_tokens",
        )
    except (AttributeError, TypeError) as error:
        raise ProviderFailure(FailureKind.MALFORMED, "the Message lacks a member") from error


def _translate(error: Exception) -> ProviderFailure:
    if (known := failure_below(error)) is not None:
        return known
    match error:
        case anthropic.APITimeoutError():
            return ProviderFailure(FailureKind.TIMEOUT, "the SDK's own timeout")
        case anthropic.APIConnectionError():
            return ProviderFailure(FailureKind.CONNECTION, type(error.__cause__).__name__)
        case anthropic.APIStatusError(status_code=status) if status >= 400:
            return failure_from_status(status, error.response.headers, time.time)
        case anthropic.APIError():
            return ProviderFailure(FailureKind.SERVER, "an error event ended the stream")
        case _:
            return failure_from_exception(error)
