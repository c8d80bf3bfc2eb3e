"""One line for each request that does work: who, what, how it went; never the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from starlette.types import Scope

    from spark_app.web.exchange import Exchange

__all__ = ["log_access"]

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("access")


def log_access(scope: Scope, exchange: Exchange, seconds: float) -> None:
    """Write the line."""
    _log.info(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=exchange.status,
        failed=exchange.failed,
        origin=exchange.origin,
        ms=round(seconds * 1000.0, 1),
        request_id=exchange.request_id,
        attempt=exchange.attempt,
        key_id=exchange.key_id,
        provider=exchange.provider,
        cache=exchange.cache,
    )
