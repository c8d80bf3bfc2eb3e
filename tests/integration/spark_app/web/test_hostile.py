"""Clients and providers that keep to no contract: nothing they send is unbounded or a defect."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from spark_app.commands.verify import Bounds, verify
from tests.integration.spark_app.harness import Providers, anthropic_message, counted, running
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

GENERATE = "/api/spark/generate"
GOOD = "```csharp\nusing UnityEngine;\npublic class Coin : MonoBehaviour { }\n```"
LONE = GOOD.replace("{ }", '{ string s = "\\ud83d"; }')


def completion(**changes: Any) -> dict[str, Any]:
    """An answer of OpenAI's Chat Completions API."""
    said = {"role": "assistant", "content": changes.pop("text", GOOD)}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "gpt-5.5",
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    } | changes


def events(text: object, *, model: object = "claude-sonnet-5-5", tokens: object = 1) -> bytes:
    """A stream of Anthropic's Messages API."""
    usage = {"input_tokens": tokens, "output_tokens": 1}
    found: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": anthropic_message("", content=[], model=model, usage=usage),
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 1},
        },
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in found)


def chunks(text: object, *, model: object = "gpt-5.5", tokens: object = 1) -> bytes:
    """A stream of OpenAI's Chat Completions API."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": model}
    usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": 2}
    said = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
    found = [head | {"choices": [one]} for one in (said, stop)]
    found.append(head | {"choices": [], "usage": usage})
    return b"".join(f"data: {json.dumps(e)}\n\n".encode() for e in found) + b"data: [DONE]\n\n"


@contextlib.asynccontextmanager
async def provider(
    status: int, body: bytes, *, endless: bool = False, encoding: bytes = b"identity"
) -> AsyncIterator[str]:
    """Answers everything so, as a provider would who doesn't keep to his own API."""
    media = b"text/event-stream" if body.startswith((b"event:", b"data:")) else b"application/json"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["type"] != "http":
            return
        headers = [(b"content-type", media), (b"content-encoding", encoding)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        with contextlib.suppress(OSError):
            while endless:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": body})

    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    async with running(server) as url:
        yield url


ODD: dict[str, tuple[bytes, bytes, bytes, bytes]] = {
    name: (
        json.dumps(
            anthropic_message(
                GOOD, content=[{"type": "text", "text": text}], model=model, usage=usage
            )
        ).encode(),
        events(text, model=model, tokens=tokens),
        json.dumps(
            completion(text=text, model=model)
            | {"usage": {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": 2}}
        ).encode(),
        chunks(text, model=model, tokens=tokens),
    )
    for name, text, model, tokens, usage in [
        ("half a pair", LONE, "m", 1, {"input_tokens": 1, "output_tokens": 1}),
        ("no text", 5, "m", 1, {"input_tokens": 1, "output_tokens": 1}),
        ("no model", GOOD, ["m"], 1, {"input_tokens": 1, "output_tokens": 1}),
        ("a zero in the model", GOOD, "m\0", 1, {"input_tokens": 1, "output_tokens": 1}),
        ("a long model", GOOD, "m" * 5000, 1, {"input_tokens": 1, "output_tokens": 1}),
        ("no number", GOOD, "m", "many", {"input_tokens": "many", "output_tokens": 1}),
        ("below nothing", GOOD, "m", -5, {"input_tokens": -5, "output_tokens": 1}),
        ("too many", GOOD, "m", 2**70, {"input_tokens": 2**70, "output_tokens": 1}),
    ]
}


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("name", ["claude", "openai"])
@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_answer_is_no_defect_and_leaves_nothing_odd(
    name: str, odd: str, stream: bool
) -> None:
    body = ODD[odd][2 * (name == "openai") + stream]
    other = {"claude": "OPENAI_API_KEY", "openai": "ANTHROPIC_API_KEY"}[name]
    async with provider(200, body) as url, make_spark(url, **{other: None}) as spark:
        answer = await spark.generate(stream=stream)
        metrics = await spark.metrics()
    text = answer.text
    assert counted(metrics, "errors_total", origin="app") == 0, text
    if answer.status_code == 200 and "event: error" not in text:
        line = next(line for line in reversed(text.splitlines()) if line.strip())
        script = json.loads(line.removeprefix("data: "))
        assert script["scriptName"] == "Coin"
        assert len(script["model"]) <= 128
        assert script["model"].isprintable()
        assert 0 <= script["usage"]["inputTokens"] < 2**31
    else:
        assert answer.status_code in {200, 502}
        assert "provider_bad_output" in text


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("name", ["claude", "openai"])
async def test_an_endless_answer_is_cut_off(name: str, stream: bool) -> None:
    body = (b"data: x\n\n" if stream else b" ") * 8192
    other = {"claude": "OPENAI_API_KEY", "openai": "ANTHROPIC_API_KEY"}[name]
    async with (
        provider(200, body, endless=True) as url,
        make_spark(url, **{other: None}, SPARK_DEADLINE_SECONDS=60) as spark,
    ):
        began = time.monotonic()
        answer = await spark.generate(stream=stream)
        assert time.monotonic() - began < 20
        assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_output")


async def test_verification_says_what_it_can_not_read() -> None:
    async with provider(200, b"no gzip", encoding=b"gzip") as url:
        checks = await verify(url, Bounds())
    assert [check.status for check in checks] == ["fail"] * 4
    assert all("can't be read (DecodingError)" in check.detail for check in checks)


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_model_that_a_client_names_takes_the_provider_from_nobody(
    providers: Providers, status: int, stream: bool
) -> None:
    async with make_spark(providers.url, OPENAI_API_KEY=None) as spark:
        await providers.faults(anthropic={"error_rate": 1.0, "status": status})
        refused = await spark.generate(model="claude-not-ours", stream=stream)
        assert refused.status_code == (422 if status == 403 else 503)
        await providers.faults()
        assert (await spark.generate("Create a coin")).status_code == 200
        await providers.faults(anthropic={"error_rate": 1.0, "status": status})
        assert (await spark.generate("Create a timer")).status_code == 503
        await providers.faults()
        assert (await spark.generate("Create a gate")).status_code == 503
        assert (await spark.health())[1]["status"] == ("unhealthy" if status == 403 else "healthy")


async def test_a_body_that_does_not_come_holds_no_place(providers: Providers) -> None:
    changes: dict[str, Any] = {"SPARK_MAX_INFLIGHT": 1, "SPARK_BODY_SECONDS": 0.5}
    async with make_spark(providers.url, **changes) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"
        writer.write(head.encode())
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer
        assert b"connection: close" in answer.lower()
        assert (await spark.generate()).status_code == 200
        metrics = await spark.metrics()
        writer.close()
    assert counted(metrics, "api_generate_total", status_class="4xx", origin="client") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\n",
        b"",
    ],
    ids=["half a head", "nothing"],
)
async def test_a_head_that_does_not_come_holds_no_connection(
    providers: Providers, sent: bytes
) -> None:
    async with make_spark(providers.url, SPARK_KEEP_ALIVE_SECONDS=1) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


async def test_a_long_body_is_no_part_of_the_next_head(providers: Providers) -> None:
    async with make_spark(providers.url) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        body = b" " * 200_000
        head = f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body + b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        await writer.drain()
        assert (await reader.readline()).startswith(b"HTTP/1.1 4")
        writer.write(b"Connection: close\r\n\r\n")
        async with asyncio.timeout(10):
            rest = await reader.read()
        writer.close()
    assert b"HTTP/1.1 200 OK" in rest


@pytest.mark.parametrize("place", ["header", "path"])
async def test_an_endless_head_is_cut_off(providers: Providers, place: str) -> None:
    async with make_spark(providers.url) as spark:
        host, port = spark.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /" if place == "path" else b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        answer = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                writer.write(b"a" * 16_384)
                await writer.drain()
            async with asyncio.timeout(10):
                answer = await reader.read()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
        assert reader.at_eof() or reader.exception() is not None or writer.is_closing()
        assert (await spark.health())[0] == 200
        writer.close()


async def test_a_thousand_mistakes_are_told_in_a_few_lines(providers: Providers) -> None:
    wanted = {"prompt": "x"} | {f"n{number}": 1 for number in range(20_000)} | {"k" * 5000: 1}
    async with make_spark(providers.url) as spark:
        answer = await spark.client.post(GENERATE, json=wanted)
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 20
    assert len(answer.content) < 10_000
