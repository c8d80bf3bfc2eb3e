"""The endpoints: each an ASGI application of its own, chosen by path and method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.errors import MethodNotAllowedError, NotFoundError, SparkError
from spark_app.web.exchange import read_body, send_bytes, send_json, send_problem
from spark_app.web.schemas import ExportRequest, GenerateRequest, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from spark_app.generation import Generation, Generator
    from spark_app.lifecycle import Lifecycle
    from spark_app.metrics import Metrics

__all__ = ["Export", "Generate", "MetricsPage", "Ready", "Router"]

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
            raise NotFoundError(
                "there is nothing at this path; /api/openapi.json lists what there is"
            )
        endpoint = methods.get(scope["method"])
        if endpoint is None:
            allow = ", ".join(sorted(methods))
            raise MethodNotAllowedError(f"use one of: {allow}", allow=allow)
        return endpoint


class Generate:
    """`POST /api/spark/generate`."""

    def __init__(self, generator: Generator, max_body: int) -> None:
        self._generator = generator
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make a script."""
        wanted = parse(GenerateRequest, await read_body(receive, self._max_body))
        made = await self._generator.generate(wanted.prompt, wanted.context, wanted.model)
        await send_json(send, 200, _document(made))


class Export:
    """`POST /api/export`."""

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make a file."""
        wanted = parse(ExportRequest, await read_body(receive, self._max_body))
        disposition = f'attachment; filename="{wanted.scriptName}.cs"'.encode()
        headers = [(b"content-disposition", disposition)]
        await send_bytes(send, 200, _TEXT, wanted.code.encode(), headers)


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
        if self._lifecycle.started and not self._lifecycle.draining:
            await send_bytes(send, 200, _TEXT, b"ok\n")
        else:
            await send_bytes(send, 503, _TEXT, b"draining\n")


def _document(made: Generation) -> dict[str, object]:
    return {
        "code": made.code,
        "scriptName": made.script_name,
        "provider": made.provider,
        "model": made.model,
        "cached": False,
        "usage": {"inputTokens": made.input_tokens, "outputTokens": made.output_tokens},
        "warnings": [],
    }
