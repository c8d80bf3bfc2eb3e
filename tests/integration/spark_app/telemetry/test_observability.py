"""Sentry, `ERROR_TRACKING_URL` and OpenTelemetry: what arrives, and what must not be in it."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.integration.spark_app.harness import Providers, counted, running, until
from tests.integration.spark_app.harness import spark as make_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

SECRET = "xyzzy-the-prompt"


class Sink:
    """Keeps what is sent to it; answers 500 while it is broken."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.broken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        if not self.broken:
            self.bodies.append((scope["path"], body))
        status = 500 if self.broken else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[tuple[Sink, str]]:
    made = Sink()
    server = uvicorn.Server(uvicorn.Config(made, log_config=None, lifespan="off"))
    async with running(server) as url:
        yield made, url


class _Break:
    """Breaks answers off after their head."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/api/export":
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError(SECRET)


class _Defect:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/api/export":
            raise ValueError(SECRET)
        await self._app(scope, receive, send)


async def test_a_defect_is_reported_without_what_it_quotes(providers: Providers) -> None:
    async with sink() as (got, url):
        dsn = url.replace("http://", "http://public@") + "/1"
        changes = {"ERROR_TRACKING_URL": f"{url}/errors", "SENTRY_DSN": dsn}
        async with make_spark(providers.url, [_Defect], **changes) as spark:
            answer = await spark.client.post(
                "/api/export", json={"code": SECRET}, headers={"X-Request-ID": "broken-1"}
            )
            assert answer.status_code == 500
            await until(lambda: {path for path, _ in got.bodies} >= {"/errors", "/api/1/envelope/"})
            check = (await spark.health())[1]["checks"]["errorTracking"]
            assert (check["errors"], check["sentry"], check["url"]) == (1, True, True)
    report = json.loads(next(body for path, body in got.bodies if path == "/errors"))["errors"][0]
    assert report["type"] == "ValueError"
    assert report["request_id"] == "broken-1"
    assert report["release"] == "r1"
    assert "test_observability.py" in report["stack"][-1]
    envelope = next(body for path, body in got.bodies if "envelope" in path).decode()
    assert "ValueError" in envelope
    assert '"release":"r1"' in envelope.replace(": ", ":")
    for _, body in got.bodies:
        assert SECRET.encode() not in body


async def test_a_tracker_that_is_down_disturbs_nobody_and_gets_it_later(
    providers: Providers,
) -> None:
    async with sink() as (got, url):
        got.broken = True
        changes = {"ERROR_TRACKING_URL": f"{url}/errors"}
        async with make_spark(providers.url, [_Defect], **changes) as spark:
            await spark.client.post("/api/export", json={})
            outbox = spark.app.tracker.outbox
            assert outbox is not None
            await until(lambda: outbox.failing)
            assert (await spark.generate()).status_code == 200
            status, health = await spark.health()
            assert (status, health["status"]) == (200, "degraded")
            got.broken = False
            await until(lambda: outbox.delivered == 1, 20)
            metrics = await spark.metrics()
        assert counted(metrics, "spark_dependency_failures_total", dependency="error_tracking") > 0


def _attributes(span: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes
    }


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
async def test_a_trace_joins_the_callers_and_names_model_and_tokens(
    providers: Providers, stream: bool
) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    async with sink() as (got, url):
        changes = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
        async with make_spark(providers.url, [_Break], **changes) as spark:
            await spark.generate(
                f"Create a coin {SECRET}",
                headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"},
                stream=stream,
            )
            with contextlib.suppress(httpx2.HTTPError):
                await spark.client.post("/api/export", json={})
        await until(lambda: bool(got.bodies))
    spans: dict[str, Any] = {}
    for path, body in got.bodies:
        assert path == "/v1/traces"
        assert SECRET.encode() not in body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                spans |= {span.name: span for span in scope.spans}
    server, client = spans["POST /api/spark/generate"], spans["chat claude"]
    assert server.trace_id.hex() == client.trace_id.hex() == trace_id
    assert server.parent_span_id.hex() == "b7ad6b7169203331"
    assert client.parent_span_id == server.span_id
    assert _attributes(server)["http.response.status_code"] == 200
    found = _attributes(client)
    assert found["gen_ai.provider.name"] == "anthropic"
    assert found["gen_ai.response.model"] == "claude-sonnet-5-5"
    assert found["gen_ai.usage.output_tokens"] > 0


async def test_metrics_are_prometheus_text(providers: Providers) -> None:
    async with make_spark(providers.url) as spark:
        answer = await spark.client.get("/api/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE spark_generation_duration_seconds histogram" in answer.text
    assert "# TYPE spark_generation_duration_ms summary" in answer.text
    assert "_created" not in answer.text
