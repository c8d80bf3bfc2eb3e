"""``spark-app verify``: the runbook's post-deployment verification, through the service's own API.

Health, metrics, a generation that costs a provider's answer, and an export; each within a bound.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_app.commands.client import Asker, ServiceError, prompt
from spark_app.commands.report import Check
from spark_app.errors import SparkError
from spark_app.reading.reader import CodeReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from spark_app.commands.client import Reply
    from spark_app.commands.report import Verdict
    from spark_app.core.csharp import Analysis

TRIES: Final = 5
"""Health checks whose median counts: the first also opens the connection."""
PATIENCE = 10.0
PROVIDER = "provider:"
"""What the names of the health checks of providers begin with."""
METRICS = (
    "api_generate_total",
    "api_export_total",
    "errors_total",
    "spark_generation_duration_seconds_bucket",
    "spark_circuit_breaker_state",
    "spark_release_info",
)
SAMPLE: Final = """using UnityEngine;

public class Probe : MonoBehaviour
{
    void Update()
    {
        transform.Rotate(0f, 90f * Time.deltaTime, 0f);
    }
}
"""
"""What is exported where nothing could be generated."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that each may take."""

    health: float = 0.1
    generate: float = 15.0
    export: float = 2.0


class _Found(NamedTuple):
    """What a check found, if it did not fail."""

    seconds: float
    detail: str
    status: Verdict = "pass"


async def verify(url: str, bounds: Bounds) -> list[Check]:
    """Run every check, one after the other, so that none slows another down."""
    asker = Asker(url, "verify")
    scripts: list[tuple[str, str]] = []
    try:
        return [
            await _measure("health", lambda: _health(asker, bounds.health)),
            await _measure("metrics", lambda: _metrics(asker)),
            await _measure("generate", lambda: _generate(asker, bounds.generate, scripts)),
            await _measure("export", lambda: _export(asker, bounds.export, scripts)),
        ]
    finally:
        await asker.close()


async def _measure(name: str, work: Callable[[], Awaitable[_Found]]) -> Check:
    try:
        found = await work()
    except ServiceError as error:
        return Check(name, "fail", str(error))
    return Check(name, found.status, found.detail, found.seconds)


async def _health(asker: Asker, bound: float) -> _Found:
    replies = [await asker.get("/api/spark/health", PATIENCE, (200, 503)) for _ in range(TRIES)]
    document = replies[-1].json()
    if not _well(document):
        raise ServiceError(f"the service is {document.get('status')}: {_complaints(document)}")
    seconds = statistics.median(reply.seconds for reply in replies)
    if seconds > bound:
        raise ServiceError(
            f"health took {seconds * 1000:.0f} ms (median of {TRIES}), more than"
            f" {bound * 1000:g} ms: is the pod short of CPU?"
        )
    said = f"{document.get('status')} in {seconds * 1000:.0f} ms, release {replies[-1].release}"
    said += "".join(f"; {name} is half-open" for name in _in_state(document, "half-open"))
    away = [name for name in _failed(document) if name.startswith(PROVIDER)]
    if not away:
        return _Found(seconds, said)
    told = f"{said}; {', '.join(away)} failed ({_breakers(document)}), another one answers"
    return _Found(seconds, f"{told}: check the provider's status, key and quota", "warn")


def _well(document: dict[str, Any]) -> bool:
    """Whether nothing speaks against the release.

    It is degraded in a maintenance window, in which verification runs, and while one of several
    providers is away: users are served, and what the provider breaks is not the release's fault.
    """
    if document.get("status") == "healthy":
        return True
    failed = _failed(document)
    known = document.get("maintenance") is True or bool(failed)
    ours = [name for name in failed if not name.startswith(PROVIDER)]
    return document.get("status") == "degraded" and known and not ours


def _in_state(document: dict[str, Any], state: str) -> list[str]:
    """Return the providers whose breaker stands so."""
    breakers = document.get("circuit_breakers")
    states: dict[str, Any] = breakers if isinstance(breakers, dict) else {}
    return [name for name, found in states.items() if found == state]


def _breakers(document: dict[str, Any]) -> str:
    opened = _in_state(document, "open")
    return f"breaker of {', '.join(opened)} open" if opened else "no breaker open"


def _failed(document: dict[str, Any]) -> list[str]:
    checks = document.get("checks")
    found = checks.items() if isinstance(checks, dict) else ()
    return [n for n, check in found if isinstance(check, dict) and check.get("status") == "fail"]


def _complaints(document: dict[str, Any]) -> str:
    failed = ", ".join(_failed(document))
    if document.get("draining") is True:
        return "it is shutting down"
    return f"{failed} failed" if failed else "no check of it says why"


async def _metrics(asker: Asker) -> _Found:
    reply = await asker.get("/api/metrics", PATIENCE)
    lines = reply.body.decode("utf-8", "replace").splitlines()
    names = {line.partition("{")[0].partition(" ")[0] for line in lines}
    if missing := [name for name in METRICS if name not in names]:
        raise ServiceError(f"metrics are missing: {', '.join(missing)}")
    return _Found(reply.seconds, f"{len(METRICS)} of {len(METRICS)} expected metrics are there")


async def _generate(asker: Asker, bound: float, scripts: list[tuple[str, str]]) -> _Found:
    reply = await _ask_twice(asker, bound)
    document = reply.json()
    code, name = document.get("code"), document.get("scriptName")
    if not isinstance(code, str) or not isinstance(name, str):
        raise ServiceError("the generation has no code: is this the SPARK service?")
    analysis = await _read(code, name)
    if not analysis.valid:
        raise ServiceError(f"the generated code is no valid C#: {analysis.problems[0]}")
    scripts.append((code, name))
    said = f"valid C# from {document.get('provider')} in {reply.seconds:.2f} s"
    return _Found(reply.seconds, said)


async def _read(code: str, name: str) -> Analysis:
    reader = CodeReader()
    try:
        return await reader.analyse(code, name, tenant="")
    except SparkError as error:
        raise ServiceError(f"the generated code could not be checked: {error.detail}") from error
    finally:
        await reader.close()


async def _ask_twice(asker: Asker, bound: float) -> Reply:
    # Models err now and then: the service then says ``retryable``. Twice in a row is no accident.
    wanted = {"prompt": prompt()}
    try:
        return await asker.post("/api/spark/generate", wanted, bound)
    except ServiceError as error:
        if not error.retryable or error.status < 500:
            raise
    return await asker.post("/api/spark/generate", wanted, bound, attempt=1)


async def _export(asker: Asker, bound: float, scripts: list[tuple[str, str]]) -> _Found:
    code, name = scripts[0] if scripts else (SAMPLE, "Probe")
    reply = await asker.post("/api/export", {"code": code, "scriptName": name}, bound)
    if reply.body != code.encode():
        raise ServiceError("the exported file is not the script that was sent")
    return _Found(reply.seconds, f"{len(reply.body)} bytes in {reply.seconds:.2f} s")
