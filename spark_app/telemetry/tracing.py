"""OpenTelemetry spans of requests and of the calls to providers, when an endpoint is configured.

Names follow the `gen_ai` semantic conventions ("Development" in 1.38). Prompts, answers and keys
are never part of a span.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from starlette.types import Scope

    from spark_app.core.completion import Completion

__all__ = ["CallSpan", "Tracing", "configure_tracing"]

_SYSTEMS = {"claude": "anthropic", "openai": "openai"}


class CallSpan:
    """A provider call's span; without tracing, nothing."""

    def __init__(self, span: trace.Span | None) -> None:
        self._span = span

    def answered(self, completion: Completion) -> None:
        """Note what the call cost."""
        if self._span is not None:
            self._span.set_attribute("gen_ai.response.model", completion.model)
            self._span.set_attribute("gen_ai.usage.input_tokens", completion.input_tokens)
            self._span.set_attribute("gen_ai.usage.output_tokens", completion.output_tokens)


class Tracing:
    """Makes spans, if there is a provider for them."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("spark_app") if provider else None

    @property
    def enabled(self) -> bool:
        """Whether spans go anywhere."""
        return self._tracer is not None

    @contextlib.contextmanager
    def call(self, provider: str, model: str | None) -> Iterator[CallSpan]:
        """A span around one call to a provider."""
        if self._tracer is None:
            yield CallSpan(None)
            return
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": _SYSTEMS.get(provider, provider),
            "gen_ai.request.model": model or "",
        }
        name = f"chat {model or provider}"
        # Not made the current one: a stream's generator may end in another context than it began.
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        try:
            yield CallSpan(span)
        except Exception as error:
            span.set_attribute("error.type", str(getattr(error, "kind", type(error).__name__)))
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()

    @contextlib.contextmanager
    def request(self, scope: Scope, request_id: str) -> Iterator[trace.Span | None]:
        """A server span around one request, child of the caller's `traceparent`."""
        if self._tracer is None:
            yield None
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        with self._tracer.start_as_current_span(
            f"{scope['method']} {scope['path']}",
            context=extract(headers),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "url.path": scope["path"],
                "spark.request_id": request_id,
            },
            # An exception's text can quote what a client or a provider sent.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    def close(self) -> None:
        """Send what is left; blocks for a few seconds at most."""
        if self._provider is not None:
            self._provider.shutdown()


def configure_tracing(endpoint: str | None, version: str) -> Tracing:
    """Export to an OTLP/HTTP endpoint (its base URL), or trace nothing."""
    if endpoint is None:
        return Tracing()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - a second of start-up
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": "spark", "service.version": version})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=3)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)
