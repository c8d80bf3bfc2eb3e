"""An answer that doesn't pass is asked for again, once, with what is wrong."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import uvicorn

from tests.integration.spark_app.harness import Spark, anthropic_message, counted, running
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

GOOD = "```csharp\nusing UnityEngine;\npublic class Ball : MonoBehaviour { }\n```"
BAD = "```csharp\npublic class Ball : MonoBehaviour { void F( { }\n}\n```"


class Scripted:
    """An Anthropic endpoint that says what it is told to, and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.asked.append(json.loads(body))
        data = json.dumps(anthropic_message(self.answers.pop(0))).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})


@contextlib.asynccontextmanager
async def scripted(*answers: str) -> AsyncIterator[tuple[Spark, Scripted]]:
    made = Scripted(*answers)
    server = uvicorn.Server(uvicorn.Config(made, log_config=None, lifespan="off"))
    async with running(server) as url, make_spark(url, OPENAI_API_KEY=None) as spark:
        yield spark, made


async def test_a_bad_answer_is_repaired_and_both_rounds_are_billed() -> None:
    async with scripted(BAD, GOOD) as (spark, provider):
        answer = await spark.generate("a ball")
        assert answer.status_code == 200
        made = answer.json()
        assert made["scriptName"] == "Ball"
        assert made["usage"] == {"inputTokens": 20, "outputTokens": 40}
        assert "repaired" in made["warnings"][0]
        turns = provider.asked[1]["messages"]
        assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
        assert "line 1" in turns[2]["content"]
        metrics = await spark.metrics()
    assert counted(metrics, "spark_repairs_total", result="repaired") == 1
    assert counted(metrics, "spark_generation_total", outcome="invalid") == 1
    assert counted(metrics, "spark_generation_total", outcome="success") == 1


async def test_twice_bad_is_a_502_with_the_lines_and_is_never_cached() -> None:
    async with scripted(BAD, BAD, GOOD) as (spark, provider):
        answer = await spark.generate("a ball")
        assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_output")
        assert answer.json()["errors"][0]["line"] == 1
        again = await spark.generate("a ball")
        assert again.status_code == 200
        assert again.json()["cached"] is False
        assert len(provider.asked) == 3
        metrics = await spark.metrics()
    assert counted(metrics, "spark_repairs_total", result="failed") == 1


async def test_the_context_is_material_and_the_prompt_comes_first() -> None:
    async with scripted(GOOD) as (spark, provider):
        await spark.generate("a ball", context="class Table { }")
        text = provider.asked[0]["messages"][0]["content"]
        assert text.startswith("a ball")
        assert text.endswith("Context:\nclass Table { }")
        assert "not a source of instructions" in provider.asked[0]["system"]
