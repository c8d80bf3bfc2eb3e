"""The providers' stand-in, seen through the providers' own SDKs."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import httpx2
import openai
import pytest

from dev.providers.server import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.applications import Starlette

    from .conftest import Serve

PROMPT = "Create a Unity player controller that can jump"


class World:
    """The stand-in's address and one client of each kind."""

    def __init__(self, url: str) -> None:
        self.admin = httpx.AsyncClient(base_url=url, timeout=5)
        self.claude = anthropic.AsyncAnthropic(
            api_key="sk-ant-test", base_url=url, max_retries=0, timeout=5
        )
        self.openai = openai.AsyncOpenAI(
            api_key="sk-proj-test", base_url=f"{url}/v1", max_retries=0, timeout=5
        )

    async def faults(self, **providers: Any) -> None:
        response = await self.admin.put("/admin/faults", json=providers)
        assert response.status_code == 200, response.text

    async def ask(self, prompt: str = PROMPT, **options: Any) -> anthropic.types.Message:
        message = await self.claude.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=options.pop("max_tokens", 4096),
            messages=[{"role": "user", "content": prompt}],
            **options,
        )
        assert isinstance(message, anthropic.types.Message)
        return message

    async def chat(self, prompt: str = PROMPT) -> openai.types.chat.ChatCompletion:
        return await self.openai.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": prompt}]
        )


@pytest.fixture
async def world(serve: Serve) -> AsyncIterator[World]:
    app: Starlette = create_app()
    async with serve(app) as url, contextlib.AsyncExitStack() as stack:
        world = World(url)
        await stack.enter_async_context(world.admin)
        await stack.enter_async_context(world.claude)
        await stack.enter_async_context(world.openai)
        yield world


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


async def test_message_holds_a_script_that_fits_the_prompt(world: World) -> None:
    message = await world.ask()
    fence = re.search(r"```csharp\n(.*?)```", text_of(message), re.DOTALL)
    assert fence
    assert "public class PlayerControllerJump : MonoBehaviour" in fence.group(1)
    assert "CharacterController" in fence.group(1)
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 100
    assert message._request_id
    assert message._request_id.startswith("req_")


async def test_equal_prompts_get_equal_answers_and_others_do_not(world: World) -> None:
    first, again, other = await world.ask(), await world.ask(), await world.ask("A coin pickup")
    assert text_of(first) == text_of(again) != text_of(other)
    assert first.id != again.id


async def test_stream_carries_the_same_text_as_the_whole_answer(world: World) -> None:
    whole = await world.ask()
    async with world.claude.messages.stream(
        model="claude-sonnet-5-5",
        max_tokens=4096,
        messages=[{"role": "user", "content": PROMPT}],
    ) as stream:
        events = [event.type async for event in stream]
        final = await stream.get_final_message()
    assert text_of(final) == text_of(whole)
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert events[0] == "message_start"
    assert events[-1] == "message_stop"


async def test_max_tokens_cuts_the_answer(world: World) -> None:
    message = await world.ask(max_tokens=10)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 10


async def test_openai_answers_whole_and_streamed_alike(world: World) -> None:
    whole = await world.chat()
    stream = await world.openai.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": PROMPT}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    streamed = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert streamed == whole.choices[0].message.content
    assert "public class PlayerControllerJump" in streamed
    assert chunks[-1].usage == whole.usage


async def test_models_are_listed_to_both_sdks(world: World) -> None:
    assert any([m.id.startswith("claude") async for m in world.claude.models.list()])
    assert any([m.id.startswith("gpt") async for m in world.openai.models.list()])


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
    ],
)
async def test_errors_have_anthropics_shape(
    world: World, status: int, error: type[anthropic.APIStatusError], kind: str
) -> None:
    await world.faults(anthropic={"error_rate": 1, "status": status})
    with pytest.raises(error) as raised:
        await world.ask()
    assert raised.value.status_code == status
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["error"]["type"] == kind
    assert raised.value.request_id == raised.value.body["request_id"]
    assert "retry-after" not in raised.value.response.headers


async def test_retry_after_is_told(world: World) -> None:
    await world.faults(
        anthropic={"error_rate": 1, "status": 429, "retry_after": 7},
        openai={"error_rate": 1, "status": 429, "retry_after": 1.5},
    )
    with pytest.raises(anthropic.RateLimitError) as raised:
        await world.ask()
    assert raised.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.RateLimitError) as other:
        await world.chat()
    assert other.value.response.headers["retry-after"] == "1.5"
    assert other.value.code == "rate_limit_exceeded"


async def test_revoked_keys_are_refused_everywhere(world: World) -> None:
    keys = {"revoked_keys": ["sk-ant-test", "sk-proj-test"]}
    await world.faults(anthropic=keys, openai=keys)
    with pytest.raises(anthropic.AuthenticationError):
        await world.ask()
    with pytest.raises(openai.AuthenticationError) as raised:
        await world.chat()
    assert raised.value.code == "invalid_api_key"
    with pytest.raises(anthropic.AuthenticationError):
        await world.claude.models.list()


async def test_bad_requests_are_refused_as_the_providers_do(world: World) -> None:
    with pytest.raises(anthropic.NotFoundError):
        await world.claude.messages.create(
            model="nonsense", max_tokens=1, messages=[{"role": "user", "content": "x"}]
        )
    with pytest.raises(anthropic.BadRequestError):
        await world.claude.messages.create(model="claude-sonnet-5-5", max_tokens=1, messages=[])
    with pytest.raises(openai.NotFoundError):
        await world.openai.chat.completions.create(
            model="nonsense", messages=[{"role": "user", "content": "x"}]
        )


async def test_reset_in_the_middle_of_a_stream(world: World) -> None:
    await world.faults(anthropic={"reset_rate": 1})
    events = []

    async def read() -> None:
        async with world.claude.messages.stream(
            model="claude-sonnet-5-5",
            max_tokens=4096,
            messages=[{"role": "user", "content": PROMPT}],
        ) as stream:
            async for event in stream:
                events.append(event.type)  # noqa: PERF401

    with pytest.raises(httpx2.RemoteProtocolError):
        await read()
    assert events
    assert "message_stop" not in events


async def test_overload_in_the_middle_of_a_stream(world: World) -> None:
    await world.faults(anthropic={"stream_error_rate": 1})
    async with world.claude.messages.stream(
        model="claude-sonnet-5-5",
        max_tokens=4096,
        messages=[{"role": "user", "content": PROMPT}],
    ) as stream:
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            await stream.get_final_message()


async def test_empty_malformed_and_mistyped_answers(world: World) -> None:
    await world.faults(anthropic={"empty_rate": 1}, openai={"empty_rate": 1})
    assert (await world.ask()).content == []
    assert (await world.chat()).choices[0].message.content == ""
    await world.faults(openai={"malformed_rate": 1}, anthropic={"wrong_type_rate": 1})
    with pytest.raises(ValueError, match=r"JSON|delimiter|Unterminated|Expecting"):
        await world.chat()
    raw = await world.claude.messages.with_raw_response.create(
        model="claude-sonnet-5-5", max_tokens=9, messages=[{"role": "user", "content": "x"}]
    )
    assert raw.headers["content-type"] == "text/html"


async def test_hanging_requests_end_with_the_clients_patience(world: World) -> None:
    await world.faults(anthropic={"hang_rate": 1})
    with pytest.raises(anthropic.APITimeoutError):
        await world.ask(timeout=0.2)
    stats = (await world.admin.get("/admin/stats")).json()
    assert stats["anthropic"]["outcomes"] == {"hang": 1}


async def test_latency_and_drip_take_their_time(world: World) -> None:
    await world.faults(anthropic={"latency": {"median": 0.3}})
    started = time.monotonic()
    await world.ask()
    assert time.monotonic() - started >= 0.3
    await world.faults(anthropic={"drip_rate": 1, "drip_seconds": 0.4})
    started = time.monotonic()
    assert "```csharp" in text_of(await world.ask())
    assert time.monotonic() - started >= 0.4


async def test_a_share_of_requests_fails_and_is_counted(world: World) -> None:
    await world.faults(seed=3, anthropic={"error_rate": 0.4, "latency": {"median": 0}})

    async def failed() -> bool:
        try:
            await world.ask()
        except anthropic.InternalServerError:
            return True
        return False

    failures = sum(await asyncio.gather(*(failed() for _ in range(100))))
    assert 25 <= failures <= 55
    stats = (await world.admin.get("/admin/stats")).json()["anthropic"]
    assert stats["requests"] == 100
    assert stats["outcomes"]["error"] == stats["statuses"]["500"] == failures


async def test_wrong_plans_are_refused_with_the_reason(world: World) -> None:
    wrongs: list[dict[str, Any]] = [
        {"anthropic": {"error_rate": 1.5}},
        {"anthropic": {"error_rate": 0.6, "hang_rate": 0.6}},
        {"openai": {"latency": {"median": 2, "p95": 1}}},
        {"gemini": {}},
    ]
    for wrong in wrongs:
        response = await world.admin.put("/admin/faults", json=wrong)
        assert response.status_code == 422
        assert response.json()[0]["msg"]
    assert (await world.admin.get("/admin/faults")).json()["anthropic"]["error_rate"] == 0
