"""The endpoints: each an ASGI application of its own, chosen by path and method."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from spark_app.core.csharp import analyse
from spark_app.core.unitypackage import write_unitypackage
from spark_app.delivery.records import RequestRecord
from spark_app.errors import CodeInvalidError, MethodNotAllowedError, NotFoundError, SparkError
from spark_app.generation.scriptwriter import Wanted
from spark_app.web.exchange import exchange_of, header, read_body, send_bytes, send_problem
from spark_app.web.schemas import ExportRequest, GenerateRequest, parse
from spark_app.web.sse import send_stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from spark_app.delivery.records import RequestRecorder
    from spark_app.generation.scriptwriter import Scriptwriter, WrittenScript
    from spark_app.live.lifecycle import Lifecycle
    from spark_app.telemetry.metrics import Metrics

__all__ = ["Export", "Fixed", "Generate", "MetricsPage", "Ready", "Router"]

_TEXT = b"text/plain; charset=utf-8"


class Router:
    """Chooses by path and method, and turns `SparkError` into a problem."""

    def __init__(self, routes: Mapping[str, Mapping[str, ASGIApp]]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            await self._choose(scope)(scope, receive, send)
        except SparkError as error:
            await send_problem(send, scope, error)

    def _choose(self, scope: Scope) -> ASGIApp:
        methods = self._routes.get(scope["path"])
        if methods is None:
            raise NotFoundError("nothing is here; GET /api/openapi.json lists what there is")
        endpoint = methods.get(scope["method"])
        if endpoint is None:
            allow = ", ".join(sorted(methods))
            raise MethodNotAllowedError(f"use one of: {allow}", allow=allow)
        return endpoint


class Generate:
    """`POST /api/spark/generate`."""

    def __init__(
        self,
        writer: Scriptwriter,
        recorder: RequestRecorder,
        metrics: Metrics,
        *,
        max_body: int,
        body_seconds: float,
        release: str,
    ) -> None:
        self._writer = writer
        self._recorder = recorder
        self._metrics = metrics
        self._max_body = max_body
        self._body_seconds = body_seconds
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make a script."""
        started = time.monotonic()
        body = await read_body(receive, self._max_body, self._body_seconds)
        asked = parse(GenerateRequest, body)
        exchange = exchange_of(scope)
        wanted = Wanted(exchange.key_id, asked.prompt, asked.context, asked.model)
        if asked.stream or "text/event-stream" in (header(scope, b"accept") or ""):
            answer = await send_stream(send, scope, self._writer.stream(wanted))
        else:
            answer = await self._writer.write(wanted)
            overhead = max(0.0, time.monotonic() - started - answer.upstream)
            self._metrics.overhead.observe(overhead)
            fields = [
                *exchange.headers,
                (b"x-spark-cache", answer.source.encode()),
                (b"x-spark-provider", answer.script.provider.encode()),
                (b"x-spark-overhead-ms", b"%.1f" % (overhead * 1000.0)),
            ]
            made = answer.script.body(cached=answer.source == "hit")
            await send_bytes(send, 200, b"application/json", made, fields)
        if answer is not None:
            self._note(scope, answer, time.monotonic() - started)

    def _note(self, scope: Scope, answer: WrittenScript, seconds: float) -> None:
        exchange, script = exchange_of(scope), answer.script
        exchange.provider, exchange.cache = script.provider, answer.source
        if not self._recorder.listening:
            return
        made = answer.source == "miss"
        self._recorder.tell(
            RequestRecord(
                kind="generation",
                request_id=exchange.request_id,
                key_id=exchange.key_id,
                release=self._release,
                script_name=script.script_name,
                duration_ms=seconds * 1000.0,
                provider=script.provider,
                model=script.model,
                source=answer.source,
                input_tokens=script.input_tokens if made else 0,
                output_tokens=script.output_tokens if made else 0,
                code_bytes=len(script.code),
            )
        )


class Export:
    """`POST /api/export`."""

    def __init__(
        self, recorder: RequestRecorder, *, max_body: int, body_seconds: float, release: str
    ) -> None:
        self._recorder = recorder
        self._max_body = max_body
        self._body_seconds = body_seconds
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make a file."""
        started = time.monotonic()
        body = await read_body(receive, self._max_body, self._body_seconds)
        wanted = parse(ExportRequest, body)
        analysis = analyse(wanted.code, wanted.scriptName)
        if not analysis.valid:
            found = [{"line": p.line, "message": p.message} for p in analysis.problems]
            raise CodeInvalidError(str(analysis.problems[0]), extra={"errors": found})
        if wanted.format == "unitypackage":
            media_type = b"application/gzip"
            data = write_unitypackage(wanted.scriptName, wanted.code)
        else:
            media_type, data = b"text/plain; charset=utf-8", wanted.code.encode()
        name = f"{wanted.scriptName}.{wanted.format}"
        exchange = exchange_of(scope)
        disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
        await send_bytes(send, 200, media_type, data, [*exchange.headers, disposition])
        if self._recorder.listening:
            self._recorder.tell(
                RequestRecord(
                    kind="export",
                    request_id=exchange.request_id,
                    key_id=exchange.key_id,
                    release=self._release,
                    script_name=wanted.scriptName,
                    duration_ms=(time.monotonic() - started) * 1000.0,
                    format=wanted.format,
                    code_bytes=len(wanted.code),
                )
            )


class MetricsPage:
    """`GET /api/metrics`, in the Prometheus text format."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Render all metrics."""
        media_type = b"text/plain; version=0.0.4; charset=utf-8"
        await send_bytes(send, 200, media_type, self._metrics.render())


class Ready:
    """`GET /readyz`: started and not draining."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say whether new connections are welcome."""
        if self._lifecycle.ready:
            await send_bytes(send, 200, _TEXT, b"ok\n")
        else:
            await send_bytes(send, 503, _TEXT, self._lifecycle.why_not.encode() + b"\n")


class Fixed:
    """Something that never changes, such as the page and the OpenAPI document."""

    def __init__(
        self, media_type: bytes, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        self._media_type = media_type
        self._body = body
        self._headers = headers or []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send_bytes(send, 200, self._media_type, self._body, self._headers)
