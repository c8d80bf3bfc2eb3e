"""The API's contract: answers, problems, headers and what is counted."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from spark_app.core.csharp import analyse
from tests.integration.spark_app.harness import PROMPT, Providers, Spark, counted
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

GENERATE, EXPORT = "/api/spark/generate", "/api/export"


async def test_a_prompt_becomes_a_checked_script(spark: Spark) -> None:
    answer = await spark.generate()
    assert answer.status_code == 200
    made = answer.json()
    assert made["scriptName"] == "Mover"
    assert analyse(made["code"], "Mover").valid
    assert made["provider"] == "claude"
    assert made["model"] == "claude-sonnet-5-5"
    assert made["cached"] is False
    assert made["usage"]["outputTokens"] > 0
    assert made["warnings"] == []
    assert answer.headers["x-spark-cache"] == "miss"
    assert answer.headers["x-spark-provider"] == "claude"
    assert float(answer.headers["x-spark-overhead-ms"]) >= 0


async def test_the_second_time_it_comes_from_the_cache(spark: Spark, providers: Providers) -> None:
    first = (await spark.generate()).json()
    again = await spark.generate("  " + PROMPT.replace(" ", "  "))
    assert again.json() == first | {"cached": True}
    assert again.headers["x-spark-cache"] == "hit"
    assert (await providers.calls())["anthropic"] == 1
    metrics = await spark.metrics()
    assert counted(metrics, "spark_cache_requests_total", result="hit") == 1
    assert metrics["spark_cache_hit_ratio"] == 0.5


async def test_streaming_tells_the_text_and_then_the_same_result(spark: Spark) -> None:
    events = await spark.events()
    names = [name for name, _ in events]
    assert names[-1] == "result"
    assert set(names[:-1]) == {"delta"}
    text = "".join(data["text"] for name, data in events if name == "delta")
    result = events[-1][1]
    assert result["code"].strip() in text
    assert (await spark.generate()).json() == result | {"cached": True}


async def test_a_model_is_sent_to_whom_it_belongs(spark: Spark) -> None:
    made = (await spark.generate(model="gpt-4o")).json()
    assert (made["provider"], made["model"]) == ("openai", "gpt-4o")
    refused = await spark.generate(model="claude-unknown\n")
    assert refused.status_code == 422
    unknown = await spark.generate(model="gemini-9")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "model_rejected")


async def test_export_makes_files_that_are_the_same_each_time(spark: Spark) -> None:
    code = (await spark.generate()).json()["code"]
    plain = await spark.client.post(EXPORT, json={"code": code, "scriptName": "Mover"})
    assert plain.text == code
    assert plain.headers["content-disposition"] == 'attachment; filename="Mover.cs"'
    wanted = {"code": code, "scriptName": "Mover", "format": "unitypackage"}
    first, second = [await spark.client.post(EXPORT, json=wanted) for _ in range(2)]
    assert first.content == second.content
    with tarfile.open(fileobj=io.BytesIO(first.content)) as tar:
        names = sorted(name.partition("/")[2] for name in tar.getnames())
    assert names == ["", "asset", "asset.meta", "pathname"]


async def test_export_names_what_is_wrong_by_line(spark: Spark) -> None:
    code = "using UnityEngine;\npublic class A : MonoBehaviour\n{\n    void F( { }\n}\n"
    answer = await spark.client.post(EXPORT, json={"code": code, "scriptName": "A"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "code_invalid"
    assert problem["errors"][0]["line"] == 4


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", GENERATE, b"{", 400, "bad_request"),
        ("POST", GENERATE, b"\xff", 400, "bad_request"),
        ("POST", GENERATE, b"[" * 100_000, 400, "bad_request"),
        ("POST", GENERATE, b"{}", 422, "request_invalid"),
        ("POST", GENERATE, b"[]", 422, "request_invalid"),
        ("POST", GENERATE, b'{"prompt": " "}', 422, "request_invalid"),
        ("POST", GENERATE, b'{"prompt": "x", "more": 1}', 422, "request_invalid"),
        ("POST", GENERATE, b'{"prompt": "\\ud800"}', 422, "request_invalid"),
        ("POST", GENERATE, json.dumps({"prompt": "x" * 8001}).encode(), 422, "request_invalid"),
        ("POST", GENERATE, b" " * 300_000, 413, "payload_too_large"),
        ("POST", EXPORT, b'{"code": "x", "scriptName": "../x"}', 422, "request_invalid"),
        ("GET", GENERATE, b"", 405, "method_not_allowed"),
        ("GET", "/nowhere", b"", 404, "not_found"),
        ("PUT", "/api/admin/providers", b"{}", 401, "unauthenticated"),
    ],
)
async def test_each_mistake_is_one_problem(
    spark: Spark, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    answer = await spark.client.request(method, path, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert {"type", "title", "detail", "retryable", "request_id"} <= set(problem)
    assert answer.headers["x-request-id"] == problem["request_id"]
    if status == 405:
        assert answer.headers["allow"] == "POST"


async def test_every_answer_names_release_and_request(spark: Spark) -> None:
    for path in ("/livez", "/readyz", "/api/spark/health", "/api/metrics", "/nowhere", "/"):
        answer = await spark.client.get(path, headers={"X-Request-ID": "mine-1"})
        assert answer.headers["x-spark-release"] == "r1", path
        assert answer.headers["x-request-id"] == "mine-1", path
    forged = await spark.client.get("/livez", headers={"X-Request-ID": "a b"})
    assert forged.headers["x-request-id"] != "a b"


async def test_every_request_is_counted_once_by_class_origin_and_attempt(
    spark: Spark, providers: Providers
) -> None:
    zero = await spark.metrics()
    assert counted(zero, "api_generate_total") == 0
    assert 'errors_total{origin="app",severity="error"}' in zero
    await spark.generate()
    await spark.generate(headers={"X-Retry-Count": "1"})
    await spark.generate("", headers={"X-Stainless-Retry-Count": "0"})
    await providers.faults(anthropic={"error_rate": 1.0}, openai={"error_rate": 1.0})
    await spark.generate("something else")
    metrics = await spark.metrics()
    name = "api_generate_total"
    assert counted(metrics, name, status_class="2xx", origin="none", attempt="first") == 1
    assert counted(metrics, name, status_class="2xx", origin="none", attempt="retry") == 1
    assert counted(metrics, name, status_class="4xx", origin="client", attempt="first") == 1
    assert counted(metrics, name, status_class="5xx", origin="provider", attempt="first") == 1
    assert counted(metrics, name) == 4
    assert metrics["spark_generation_duration_seconds_count"] == 3
    assert metrics["spark_generation_duration_ms_count"] == 3
    assert metrics['spark_generation_duration_ms{quantile="0.95"}'] > 0
    assert metrics["spark_inflight_requests"] == 0
    assert metrics['spark_release_info{release="r1",version="0.0.0"}'] == 1


class _Faulty:
    """A defect inside the counting, such as a bad release has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == EXPORT:
            raise RuntimeError("a defect")
        if scope["path"] == GENERATE:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"oops"})
            return
        await self._app(scope, receive, send)


async def test_a_defect_is_the_apps_and_named(providers: Providers) -> None:
    async with make_spark(providers.url, [_Faulty]) as spark:
        bare = await spark.generate()
        raised = await spark.client.post(EXPORT, json={})
        assert (bare.status_code, bare.text) == (500, "oops")
        assert raised.status_code == 500
        assert raised.json()["code"] == "internal_error"
        assert raised.headers["x-spark-release"] == "r1"
        metrics = await spark.metrics()
        assert counted(metrics, "api_generate_total", status_class="5xx", origin="app") == 1
        assert counted(metrics, "api_export_total", status_class="5xx", origin="app") == 1
        assert counted(metrics, "errors_total", severity="error", origin="app") == 2
        assert counted(metrics, "errors_total", severity="critical", origin="app") == 1
        _, health = await spark.health()
        assert health["checks"]["errorTracking"]["errors"] == 1


async def test_health_is_as_the_runbook_has_it(spark: Spark) -> None:
    status, document = await spark.health()
    assert (status, document["status"]) == (200, "healthy")
    assert document["circuit_breakers"] == {"claude": "closed", "openai": "closed"}
    assert document["checks"]["errorTracking"]["errors"] == 0


async def test_the_openapi_document_covers_every_route(spark: Spark) -> None:
    document: dict[str, Any] = (await spark.client.get("/api/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    for path, operations in document["paths"].items():
        for method in operations:
            answer = await spark.client.request(method.upper(), path, content=b"{}")
            assert answer.status_code not in {404, 405}, path
            assert str(answer.status_code) in operations[method]["responses"], path


async def test_the_page_runs_nothing_foreign_and_is_framed_by_nobody(spark: Spark) -> None:
    policy = (await spark.client.get("/")).headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy


async def test_the_page_can_be_switched_off(providers: Providers) -> None:
    async with make_spark(providers.url, SPARK_PAGE=False) as spark:
        assert (await spark.client.get("/")).status_code == 404
