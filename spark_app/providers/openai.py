"""OpenAI, through the official `openai` SDK and its Chat Completions API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from openai.types.chat import ChatCompletion

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

__all__ = ["OpenAIProvider"]


class OpenAIProvider:
    """One API key's access to OpenAI; as with Claude, the caller sets the deadline.

    Args:
        key: the API key.
        base_url: None for OpenAI's own; ends in `/v1`.
        model: the model where a request names none.
        told: gets the headers of each answer, whatever its status.
    """

    name: Provider = "openai"

    def __init__(
        self,
        key: str,
        base_url: str | None,
        model: str,
        told: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        self._model = model
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=base_url,
            max_retries=0,
            timeout=None,
            http_client=openai.DefaultAsyncHttpxClient(timeout=None, event_hooks=hooks(told)),
        )

    async def complete(self, ask: CompletionRequest) -> Completion:
        """See `ProviderPort.complete`."""
        try:
            answer: object = await self._client.chat.completions.create(
                **self._parameters(ask), stream=False
            )
        except Exception as error:
            raise _translate(error) from error
        if not isinstance(answer, ChatCompletion):
            raise ProviderFailure(FailureKind.MALFORMED, "the answer is no ChatCompletion")
        return _completion(answer)

    async def stream(self, ask: CompletionRequest) -> AsyncGenerator[str | Completion]:
        """See `ProviderPort.stream`."""
        text: list[str] = []
        model, finish, spent_in, spent_out = ask.model or self._model, None, 0, 0
        try:
            chunks = await self._client.chat.completions.create(
                **self._parameters(ask), stream=True, stream_options={"include_usage": True}
            )
            async with chunks:
                async for chunk in chunks:
                    model = chunk.model or model
                    if chunk.usage is not None:
                        spent_in = chunk.usage.prompt_tokens
                        spent_out = chunk.usage.completion_tokens
                    for choice in chunk.choices[:1]:
                        finish = choice.finish_reason or finish
                        if choice.delta.content:
                            text.append(piece_of(choice.delta.content))
                            yield text[-1]
        except Exception as error:
            raise _translate(error) from error
        if finish is None:
            kind = FailureKind.CONNECTION if text else FailureKind.MALFORMED
            raise ProviderFailure(kind, "the stream ended before its last event")
        yield checked(
            "".join(text),
            model=model,
            input_tokens=spent_in,
            output_tokens=spent_out,
            truncated=finish == "length",
        )

    async def check(self) -> None:
        """See `ProviderPort.check`."""
        try:
            await self._client.models.list()
        except Exception as error:
            raise _translate(error) from error

    async def prime(self) -> None:
        """See `ProviderPort.prime`."""
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(_sample)) as offline:
            client = self._client.with_options(http_client=offline)
            wanted = self._parameters(CompletionRequest(system="-", turns=(ChatTurn("user", "-"),)))
            await client.chat.completions.create(**wanted, stream=False)
            stream = await client.chat.completions.create(**wanted, stream=True)
            await stream.close()

    async def close(self) -> None:
        """See `ProviderPort.close`."""
        await self._client.close()

    def _parameters(self, ask: CompletionRequest) -> dict[str, Any]:
        turns = [{"role": turn.role, "content": turn.text} for turn in ask.turns]
        return {
            "model": ask.model or self._model,
            "max_completion_tokens": ask.max_tokens,
            "messages": [{"role": "system", "content": ask.system}, *turns],
        }


def _sample(request: httpx2.Request) -> httpx2.Response:
    del request
    message = {"role": "assistant", "content": "-"}
    return httpx2.Response(
        200,
        json={
            "id": "-",
            "object": "chat.completion",
            "created": 0,
            "model": "-",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        },
    )


def _completion(answer: ChatCompletion) -> Completion:
    try:
        choice = answer.choices[0]
        usage = answer.usage
        return checked(
            choice.message.content or "",
            model=answer.model,
            input_tokens=usage.prompt_tokens if usage else 0,
            output_tokens=usage.completion_tokens if usage else 0,
            truncated=choice.finish_reason == "length",
        )
    except (AttributeError, TypeError, IndexError) as error:
        raise ProviderFailure(FailureKind.MALFORMED, "the ChatCompletion lacks a member") from error


def _translate(error: Exception) -> ProviderFailure:
    if (known := failure_below(error)) is not None:
        return known
    match error:
        case openai.APITimeoutError():
            return ProviderFailure(FailureKind.TIMEOUT, "the SDK's own timeout")
        case openai.APIConnectionError():
            return ProviderFailure(FailureKind.CONNECTION, type(error.__cause__).__name__)
        case openai.APIStatusError(status_code=status) if status >= 400:
            return failure_from_status(status, error.response.headers, time.time)
        case openai.APIError():
            return ProviderFailure(FailureKind.SERVER, "an error event ended the stream")
        case _:
            return failure_from_exception(error)
