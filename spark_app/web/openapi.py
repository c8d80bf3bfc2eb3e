"""The OpenAPI 3.1 document, made of the same models that read the requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from spark_app import errors
from spark_app.live.documents import Maintenance, RoutingDocument
from spark_app.web.admin import Revocation
from spark_app.web.schemas import ExportRequest, GenerateRequest, Script

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["openapi_document"]

_PROBLEM_TYPES: tuple[type[errors.SparkError], ...] = (
    errors.BadRequestError,
    errors.UnauthenticatedError,
    errors.ForbiddenError,
    errors.NotFoundError,
    errors.MethodNotAllowedError,
    errors.RequestTimeoutError,
    errors.PayloadTooLargeError,
    errors.RequestInvalidError,
    errors.CodeInvalidError,
    errors.ModelRejectedError,
    errors.RateLimitedError,
    errors.InternalError,
    errors.ProviderBadOutputError,
    errors.ProviderUnavailableError,
    errors.OverloadedError,
    errors.MaintenanceError,
    errors.ProviderTimeoutError,
)
_KEYS = (
    "A user's key, the master key or the key for verification; while the service is in maintenance"
    " only the last two are served, everybody else gets 503 with code `maintenance`."
)
_READING = (400, 408, 413, 422)
_GATED = (401, 429, 503)


def openapi_document(version: str) -> bytes:
    """The document as JSON."""
    schemas: dict[str, Any] = {"Problem": _problem_schema()}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "SPARK",
            "version": version,
            "summary": "Turns a prompt into a Unity C# script.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(schemas),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-API-Key",
                    "description": _KEYS,
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": _KEYS},
            },
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _paths(schemas: dict[str, Any]) -> dict[str, Any]:
    text = {"text/plain": {"schema": {"type": "string"}}}
    anything = {"application/json": {"schema": {"type": "object"}}}
    return {
        "/api/spark/generate": {"post": _generate(schemas)},
        "/api/export": {"post": _export(schemas)},
        "/api/spark/health": {
            "get": _operation(
                "health",
                "How the service is; 503 with status `unhealthy`",
                {"200": {"description": "healthy or degraded", "content": anything}}
                | {"503": {"description": "unhealthy", "content": anything}}
                | _problems(401),
                secured=True,
            )
        },
        "/api/metrics": {"get": _operation("metrics", "Prometheus metrics", _ok(text))},
        "/livez": {"get": _operation("livez", "The process answers", _ok(text))},
        "/readyz": {
            "get": _operation(
                "readyz",
                "New connections are welcome",
                _ok(text) | {"503": {"description": "not now", "content": text}},
            )
        },
        "/api/openapi.json": {"get": _operation("openapi", "This document", _ok(anything))},
        **_admin_paths(schemas),
    }


def _admin_paths(schemas: dict[str, Any]) -> dict[str, Any]:
    answer = _ok({"application/json": {"schema": {"type": "object"}}}) | _problems(401, 403)
    change = answer | _problems(*_READING)

    def operation(name: str, summary: str, model: type[BaseModel]) -> dict[str, Any]:
        made = _operation(name, summary, change, secured=True)
        return made | {"requestBody": _body(model, schemas)}

    return {
        "/api/admin/state": {
            "get": _operation("adminState", "What can be switched", answer, secured=True)
        },
        "/api/admin/providers": {
            "put": operation("adminProviders", "Order, models, forced open", RoutingDocument)
        },
        "/api/admin/maintenance": {
            "put": operation("adminMaintenance", "Close or open the service", Maintenance)
        },
        "/api/admin/revocations": {
            "post": operation("adminRevocations", "Refuse a key id at once", Revocation)
        },
    }


def _generate(schemas: dict[str, Any]) -> dict[str, Any]:
    content = {
        "application/json": {"schema": _schema(Script, schemas)},
        # The schema of one event; `data` is JSON: {text}, {findings}, the answer, or a problem.
        "text/event-stream": {
            "schema": {
                "type": "object",
                "required": ["event", "data"],
                "properties": {
                    "event": {"type": "string", "enum": ["delta", "repair", "result", "error"]},
                    "data": {"type": "string", "contentMediaType": "application/json"},
                },
            }
        },
    }
    responses = _ok(content) | _problems(*_READING, *_GATED, 500, 502, 504)
    operation = _operation("generate", "Make a Unity script", responses, secured=True)
    return operation | {"requestBody": _body(GenerateRequest, schemas)}


def _export(schemas: dict[str, Any]) -> dict[str, Any]:
    content = {
        "text/plain": {"schema": {"type": "string"}},
        "application/gzip": {"schema": {"type": "string", "format": "binary"}},
    }
    responses = _ok(content) | _problems(*_READING, *_GATED, 500)
    operation = _operation("export", "Make a file that Unity imports", responses, secured=True)
    return operation | {"requestBody": _body(ExportRequest, schemas)}


def _operation(
    name: str, summary: str, responses: dict[str, Any], *, secured: bool = False
) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": name, "summary": summary, "responses": responses}
    if secured:
        found["security"] = [{}, {"key": []}, {"bearer": []}]
    return found


def _ok(content: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "done", "content": content}}


def _problems(*statuses: int) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {
            "description": ", ".join(e.code for e in _PROBLEM_TYPES if e.status == status),
            "content": problem,
        }
        for status in statuses
    }


def _body(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {"application/json": {"schema": _schema(model, schemas)}},
    }


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, str]:
    made = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= made.pop("$defs", {})
    schemas[model.__name__] = made
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _problem_schema() -> dict[str, Any]:
    codes = sorted({error.code for error in _PROBLEM_TYPES})
    statuses = sorted({error.status for error in _PROBLEM_TYPES})
    return {
        "type": "object",
        "description": "RFC 9457 problem details",
        "required": ["type", "title", "status", "detail", "code", "retryable", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer", "enum": statuses},
            "detail": {"type": "string"},
            "code": {"type": "string", "enum": codes},
            "retryable": {"type": "boolean"},
            "request_id": {"type": "string"},
            "errors": {"type": "array", "items": {"type": "object"}},
            "violated-policies": {"type": "array", "items": {"type": "string"}},
        },
    }
