"""The stand-in's HTTP surface: both providers' endpoints and the admin's.

``GET|PUT /admin/faults`` reads or replaces the plan of faults (``dev.providers.faults.Plan``),
``GET /admin/stats`` counts requests by provider, outcome and status, ``GET /livez`` answers ``ok``.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from dev.providers.anthropic_wire import AnthropicWire
from dev.providers.faults import QUOTA, Dice, Outcome, Plan
from dev.providers.openai_wire import OpenAIWire
from dev.providers.replies import Reply, hang, reply, whole
from dev.providers.wire import Ids, RefusedError, Wire, complete

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

MAX_BODY = 1_048_576
"""Bytes of a request's body; larger ones get the providers' own 413."""


class Provider:
    """One provider: checks the key, reads the request, draws its fate and answers."""

    def __init__(self, wire: Wire, plan: Plan, ids: Ids) -> None:
        self._wire = wire
        self._ids = ids
        self.outcomes: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.plan(plan)

    def plan(self, plan: Plan) -> None:
        """Take new faults and start the draws anew."""
        self._dice = Dice(self._wire.provider, plan)

    def stats(self) -> dict[str, Any]:
        """Count requests since the start: all, by outcome and by status."""
        return {
            "requests": self.outcomes.total(),
            "outcomes": dict(self.outcomes),
            "statuses": dict(self.statuses),
        }

    async def complete(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a completion request."""
        request_id = self._ids.new("req_")
        try:
            answer = await self._answer(HttpRequest(scope, receive), receive, request_id)
        except RefusedError as refusal:
            answer = self._error(refusal, request_id)
            self._count("refused", refusal.status)
        await answer(scope, receive, send)

    async def models(self, scope: Scope, receive: Receive, send: Send) -> None:
        """List the models: what a client calls to see whether its key is any good."""
        request_id = self._ids.new("req_")
        try:
            self._authenticate(HttpRequest(scope, receive))
            answer = whole(200, self._wire.headers(request_id), self._wire.models())
        except RefusedError as refusal:
            answer = self._error(refusal, request_id)
        await answer(scope, receive, send)

    async def _answer(self, http: HttpRequest, receive: Receive, request_id: str) -> Reply:
        self._authenticate(http)
        request = self._wire.read(await _body(http))
        draw = self._dice.roll()
        await asyncio.sleep(draw.latency)
        if draw.outcome is Outcome.ERROR:
            return self._fault(request_id)
        if draw.outcome is Outcome.HANG:
            self._count(draw.outcome, 0)
            await hang(receive)
            return self._error(RefusedError(504, "Request timed out"), request_id)
        ident = self._ids.new(self._wire.id_prefix)
        headers = self._headers(request_id)
        if draw.outcome is Outcome.PROMPT_TOO_LONG:
            self._count(draw.outcome, 400)
            return whole(400, headers, self._wire.prompt_too_long())
        completion = complete(request, ident, draw.outcome)
        answer = reply(
            self._wire, completion, draw.outcome, headers, self._dice.faults.drip_seconds
        )
        self._count(draw.outcome, answer.status)
        return answer

    def _authenticate(self, http: HttpRequest) -> None:
        key = self._wire.key(http.headers)
        if not key or key in self._dice.faults.revoked_keys:
            raise RefusedError(401, "invalid x-api-key" if key else "an API key is required")

    def _fault(self, request_id: str) -> Reply:
        faults = self._dice.faults
        message = {429: "Rate limit reached", 529: "Overloaded"}.get(
            faults.status, "Internal server error" if faults.status >= 500 else "Request refused"
        )
        extra = {}
        if faults.retry_after is not None:
            extra["retry-after"] = f"{faults.retry_after:g}"
        self._count(Outcome.ERROR, faults.status)
        return self._error(RefusedError(faults.status, message), request_id, extra)

    def _error(
        self, refusal: RefusedError, request_id: str, extra: dict[str, str] | None = None
    ) -> Reply:
        headers = self._headers(request_id) | (extra or {})
        body = self._wire.error(refusal.status, str(refusal), request_id)
        return whole(refusal.status, headers, body)

    def _headers(self, request_id: str) -> dict[str, str]:
        left = self._dice.faults.quota
        told = {} if left is None else self._wire.quota(left, QUOTA)
        return self._wire.headers(request_id) | told

    def _count(self, outcome: str, status: int) -> None:
        self.outcomes[outcome] += 1
        self.statuses[str(status)] += 1


class Admin:
    """The run-time controls of the stand-in."""

    def __init__(self, plan: Plan, providers: dict[str, Provider]) -> None:
        self._plan = plan
        self._providers = providers

    async def faults(self, http: HttpRequest) -> Response:
        """Show the plan of faults, or put a new one: 422 says what is wrong with it."""
        if http.method == "PUT":
            try:
                self._plan = Plan.model_validate_json(await _limited(http))
            except ValidationError as error:
                return Response(error.json(include_url=False), 422, media_type="application/json")
            for provider in self._providers.values():
                provider.plan(self._plan)
        return Response(self._plan.model_dump_json(), media_type="application/json")

    async def stats(self, _: HttpRequest) -> Response:
        """Count what each provider was asked and answered."""
        return JSONResponse({name: p.stats() for name, p in self._providers.items()})


def create_app(plan: Plan | None = None) -> Starlette:
    """Make the stand-in's ASGI application, with faults from ``plan`` (none by default)."""
    plan, ids = plan or Plan(), Ids()
    claude, openai = Provider(AnthropicWire(), plan, ids), Provider(OpenAIWire(), plan, ids)
    admin = Admin(plan, {"anthropic": claude, "openai": openai})

    async def models(scope: Scope, receive: Receive, send: Send) -> None:
        # Both providers list their models at the same path; only Anthropic's clients name a version
        ours = claude if b"anthropic-version" in dict(scope["headers"]) else openai
        await ours.models(scope, receive, send)

    return Starlette(
        routes=[
            Route("/v1/messages", _Raw(claude.complete), methods=["POST"]),
            Route("/v1/chat/completions", _Raw(openai.complete), methods=["POST"]),
            Route("/v1/models", _Raw(models), methods=["GET"]),
            Route("/admin/faults", admin.faults, methods=["GET", "PUT"]),
            Route("/admin/stats", admin.stats, methods=["GET"]),
            Route("/livez", _live, methods=["GET"]),
        ],
        exception_handlers={RefusedError: _refuse},
    )


class _Raw:
    # Starlette takes a function for a request handler and only an object for an ASGI application
    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _live(_: HttpRequest) -> Response:
    return PlainTextResponse("ok\n")


async def _refuse(_: HttpRequest, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", error.status if isinstance(error, RefusedError) else 500)


async def _limited(http: HttpRequest) -> bytes:
    data = bytearray()
    async for piece in http.stream():
        data += piece
        if len(data) > MAX_BODY:
            raise RefusedError(413, "Request exceeds the maximum allowed number of bytes")
    return bytes(data)


async def _body(http: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(await _limited(http))
    except ValueError:
        raise RefusedError(400, "The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise RefusedError(400, "The request body is not a JSON object")
    return body
