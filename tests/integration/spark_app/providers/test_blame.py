"""What a request contains is the client's: one call, a stable 422, and nobody else is blamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest

from spark_app.core.completion import FailureKind, ProviderFailure
from spark_app.providers.blame import blamed_on_request, failure_from_ending
from tests.integration.spark_app.generation.test_repair import scripted
from tests.integration.spark_app.harness import Providers, anthropic_message, counted, parse_events
from tests.integration.spark_app.harness import spark as make_spark
from tests.integration.spark_app.web.test_hostile import completion, provider

if TYPE_CHECKING:
    from tests.integration.spark_app.harness import Spark

REASONS = {
    "refusal": "refused",
    "filter": "refused",
    "spent": "output_too_long",
    "prompt_too_long": "prompt_too_long",
    "prose": "not_code",
}
WIRES = {"claude": "anthropic", "openai": "openai"}
OTHER_KEY = {"claude": "OPENAI_API_KEY", "openai": "ANTHROPIC_API_KEY"}


async def problem_of(spark: Spark, prompt: str, *, stream: bool) -> dict[str, Any]:
    """The problem that a prompt ends in, as a whole answer or as a stream's last event."""
    answer = await spark.generate(prompt, stream=stream)
    if answer.status_code == 200:
        name, data = parse_events(answer.text)[-1]
        assert name == "error"
        return dict(data)
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("fault", REASONS)
async def test_it_is_a_422_in_one_call_and_no_breaker_counts_it(
    providers: Providers, name: str, fault: str, stream: bool
) -> None:
    await providers.faults(**{WIRES[name]: {f"{fault}_rate": 1.0}})
    changes: dict[str, Any] = {"SPARK_PROVIDERS": (name, *(set(WIRES) - {name}))}
    async with make_spark(providers.url, **changes) as spark:
        for number in range(12):
            problem = await problem_of(spark, f"Create a coin called C{number}", stream=stream)
            assert (problem["status"], problem["code"]) == (422, REASONS[fault])
            assert problem["retryable"] is False
        calls = await providers.calls()
        assert calls == {
            WIRES[name]: 12,
            **{wire: 0 for wire in WIRES.values() if wire != WIRES[name]},
        }
        _, health = await spark.health()
        assert (health["status"], set(health["circuit_breakers"].values())) == (
            "healthy",
            {"closed"},
        )
        metrics = await spark.metrics()
        await providers.faults()
        assert (await spark.generate("Create a gate")).status_code == 200
    reason = {"provider": name, "outcome": REASONS[fault]}
    assert counted(metrics, "spark_generation_total", **reason) == 12
    assert counted(metrics, "spark_generation_total") == 12
    assert counted(metrics, "api_generate_total", status_class="4xx", origin="client") == 12
    assert counted(metrics, "api_generate_total") == 12
    assert counted(metrics, "errors_total", origin="client") == 12
    assert counted(metrics, "errors_total") == 12
    for name_ in ("failures", "failovers", "retries"):
        assert counted(metrics, f"spark_provider_{name_}_total") == 0
    assert counted(metrics, "spark_circuit_breaker_failures_total") == 0


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("name", WIRES)
async def test_a_script_that_is_cut_off_is_too_long_and_not_asked_for_again(
    providers: Providers, name: str, stream: bool
) -> None:
    changes: dict[str, Any] = {OTHER_KEY[name]: None, "SPARK_MAX_TOKENS": 64}
    async with make_spark(providers.url, **changes) as spark:
        problem = await problem_of(spark, "Create an inventory with crafting", stream=stream)
        assert (problem["status"], problem["code"]) == (422, "output_too_long")
        assert (await providers.calls())[WIRES[name]] == 1
        metrics = await spark.metrics()
    assert counted(metrics, "api_generate_total", status_class="4xx", origin="client") == 1
    assert counted(metrics, "errors_total", origin="provider") == 0


ANSWERS: dict[str, tuple[str, int, dict[str, Any], str]] = {
    "Claude's window is full": (
        "claude",
        200,
        anthropic_message("using", stop_reason="model_context_window_exceeded"),
        "output_too_long",
    ),
    "Claude thinks all its tokens away": (
        "claude",
        200,
        anthropic_message(
            "",
            content=[{"type": "thinking", "thinking": "hm", "signature": "s"}],
            stop_reason="max_tokens",
        ),
        "output_too_long",
    ),
    "Claude refuses half way": (
        "claude",
        200,
        anthropic_message("```csharp\nusing", stop_reason="refusal"),
        "refused",
    ),
    "Claude's filter": (
        "claude",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "Output blocked by content filtering policy",
            },
        },
        "refused",
    ),
    "Claude's limit with what is to come": (
        "claude",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "input length and `max_tokens` exceed context limit: 2 + 2 > 3",
            },
        },
        "prompt_too_long",
    ),
    "Claude's largest request": (
        "claude",
        413,
        {"type": "error", "error": {"type": "request_too_large", "message": "too large"}},
        "prompt_too_long",
    ),
    "OpenAI's flagged prompt": (
        "openai",
        400,
        {"error": {"message": "Invalid prompt", "type": "x", "code": "invalid_prompt"}},
        "refused",
    ),
    "Azure's filter": (
        "openai",
        400,
        {"error": {"message": "filtered", "code": "content_filter", "status": 400}},
        "refused",
    ),
    "OpenAI's longest text": (
        "openai",
        400,
        {"error": {"message": "long", "type": "x", "code": "string_above_max_length"}},
        "prompt_too_long",
    ),
    "OpenAI's refusal beside some text": (
        "openai",
        200,
        completion(
            choices=[
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "using", "refusal": "no"},
                    "finish_reason": "stop",
                }
            ]
        ),
        "refused",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_each_way_of_saying_so_is_understood(case: str) -> None:
    name, status, document, code = ANSWERS[case]
    body = json.dumps(document).encode()
    async with provider(status, body) as url, make_spark(url, **{OTHER_KEY[name]: None}) as spark:
        answer = await spark.generate()
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        metrics = await spark.metrics()
    assert counted(metrics, "errors_total", origin="provider") == 0


async def test_prose_is_no_script_and_code_that_fails_is_still_repaired() -> None:
    refusing = "I can't create a class for you that does this."
    async with scripted(refusing, "```python\nclass A: pass\n```") as (spark, asked):
        for _ in range(2):
            answer = await spark.generate("a poem")
            assert (answer.status_code, answer.json()["code"]) == (422, "not_code")
        assert len(asked.asked) == 2
    good = "using UnityEngine;\npublic class Ball : MonoBehaviour { }"
    async with scripted("class Ball { void F( { }", good) as (spark, asked):
        assert (await spark.generate("a ball")).status_code == 200
        assert len(asked.asked) == 2


@pytest.mark.parametrize("body", [None, [], "x", {"error": "x"}, {"error": {"code": 5}}, {}])
def test_what_says_nothing_blames_nobody(body: object) -> None:
    assert blamed_on_request(400, body) is None
    assert failure_from_ending(body) is None
    assert blamed_on_request(500, {"error": {"code": "context_length_exceeded"}}) is None


def test_what_the_sdks_hand_out_is_what_is_read() -> None:
    request = httpx2.Request("POST", "http://x")
    response = httpx2.Response(400, request=request)
    inner = {"type": "invalid_request_error", "message": "prompt is too long: 2 > 1"}
    ours: list[Exception] = [
        anthropic.BadRequestError("x", response=response, body={"type": "error", "error": inner}),
        openai.BadRequestError(
            "x", response=response, body={"code": "context_length_exceeded", "message": "x"}
        ),
    ]
    for error in ours:
        found = blamed_on_request(400, error.body)  # type: ignore[attr-defined]
        assert isinstance(found, ProviderFailure)
        assert found.kind is FailureKind.PROMPT_TOO_LONG
