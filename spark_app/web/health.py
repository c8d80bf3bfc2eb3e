"""`GET /api/spark/health`: passive, never calls a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_app.core.breaker import BreakerState
from spark_app.core.provider import PROVIDERS
from spark_app.errors import UnauthenticatedError
from spark_app.web.exchange import send_json
from spark_app.web.gate import authenticate, presented_key

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from spark_app.core.keys import KeyRing
    from spark_app.delivery.error_tracking import ErrorTracker
    from spark_app.live.lifecycle import Lifecycle
    from spark_app.providers.gateway import Gateway
    from spark_app.providers.pool import Pool
    from spark_app.storage.dependencies import Dependencies
    from spark_app.web.gate import State

__all__ = ["Health"]


class Health:
    """Status `healthy`, `degraded` or `unhealthy`; 503 only with the last.

    A probe must not use it for liveness: a provider's outage would restart every pod. A key that is
    sent along is checked, so that it can be tried without making anything.
    """

    def __init__(
        self,
        gateway: Gateway,
        lifecycle: Lifecycle,
        dependencies: Dependencies,
        tracker: ErrorTracker,
        keys: KeyRing,
        state: State,
        *,
        release: str,
        version: str,
    ) -> None:
        self._gateway = gateway
        self._lifecycle = lifecycle
        self._dependencies = dependencies
        self._tracker = tracker
        self._keys = keys
        self._state = state
        self._named: dict[str, object] = {"release": release, "version": version}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say how the service is."""
        if self._keys.enabled and presented_key(scope) is not None:
            caller = authenticate(self._keys, scope)
            if caller is None:
                raise UnauthenticatedError("the key in the header X-API-Key is not valid")
            named = self._named | {"key_id": caller.key_id}
        else:
            named = self._named
        status, document = self._look()
        headers = [(b"cache-control", b"no-store")]
        code = 503 if status == "unhealthy" else 200
        await send_json(send, code, {"status": status, **named, **document}, headers)

    def _look(self) -> tuple[str, dict[str, object]]:
        pools = self._gateway.pools
        checks: dict[str, dict[str, object]] = {
            f"provider:{name}": self._provider(pool) for name, pool in pools.items()
        }
        checks |= self._dependencies.checks()
        checks["errorTracking"] = self._tracker.statistics()
        breakers: dict[str, str] = dict.fromkeys(PROVIDERS, BreakerState.CLOSED.value)
        breakers |= {name: self._gateway.breaker_state(name).value for name in pools}
        document: dict[str, object] = {
            "draining": self._lifecycle.draining,
            "maintenance": self._state.maintenance.enabled,
            "provider_order": list(self._gateway.routing.order),
            "checks": checks,
            "circuit_breakers": breakers,
        }
        return self._status(checks), document

    def _status(self, checks: dict[str, dict[str, object]]) -> str:
        order = self._gateway.routing.order
        providers = [checks[f"provider:{name}"] for name in order if name in self._gateway.pools]
        if self._lifecycle.draining or all(check["status"] == "fail" for check in providers):
            return "unhealthy"
        failed = [check for check in checks.values() if check["status"] == "fail"]
        if any(check["required"] for check in failed):
            return "unhealthy"
        return "degraded" if failed or self._state.maintenance.enabled else "healthy"

    def _provider(self, pool: Pool) -> dict[str, object]:
        state = self._gateway.breaker_state(pool.name)
        unused = pool.name not in self._gateway.routing.order
        failed = state is BreakerState.OPEN or not pool.live_keys
        return {
            "status": "fail" if failed else "warn" if pool.cooling or unused else "pass",
            "required": False,
            "breaker": state.value,
            "failure_rate": round(pool.breaker.failure_rate, 4),
            "retry_after_s": round(pool.retry_after if failed or pool.cooling else 0.0, 1),
            "keys": {"configured": pool.keys, "accepted": pool.live_keys},
        }
