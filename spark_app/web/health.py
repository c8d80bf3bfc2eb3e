"""`GET /api/spark/health`: passive, never calls a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.core.breaker import BreakerState
from spark_app.metrics import PROVIDERS
from spark_app.web.exchange import send_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send

    from spark_app.generation import Member
    from spark_app.lifecycle import Lifecycle

__all__ = ["Health"]


class Health:
    """Status `healthy`, `degraded` or `unhealthy`; 503 only with the last.

    A probe must not use it for liveness: a provider's outage would restart every pod.
    """

    def __init__(
        self, members: Sequence[Member], lifecycle: Lifecycle, *, release: str, version: str
    ) -> None:
        self._members = members
        self._lifecycle = lifecycle
        self._named = {"release": release, "version": version}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say how the service is."""
        checks = {f"provider:{m.provider.name}": _check(m) for m in self._members}
        down = sum(check["status"] == "fail" for check in checks.values())
        status = "degraded" if down else "healthy"
        if down == len(self._members) or self._lifecycle.draining:
            status = "unhealthy"
        breakers: dict[str, str] = dict.fromkeys(PROVIDERS, BreakerState.CLOSED.value)
        breakers |= {m.provider.name: m.breaker.state.value for m in self._members}
        document = {
            "status": status,
            **self._named,
            "draining": self._lifecycle.draining,
            "checks": checks,
            "circuit_breakers": breakers,
        }
        headers = [(b"cache-control", b"no-store")]
        await send_json(send, 503 if status == "unhealthy" else 200, document, headers)


def _check(member: Member) -> dict[str, object]:
    state = member.breaker.state
    return {
        "status": "fail" if state is BreakerState.OPEN else "pass",
        "required": False,
        "breaker": state.value,
        "failure_rate": round(member.breaker.failure_rate, 4),
        "retry_after_s": round(member.breaker.retry_after, 1),
    }
