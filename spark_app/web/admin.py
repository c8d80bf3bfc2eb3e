"""What an operator changes while the service runs; needs the master key.

`GET /api/admin/state` shows all of it. Each change is audited, and lasts until the next change,
of the mounted file or of this, or until the process ends: files are the truth, this is the speed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from spark_app.core.keys import MASTER
from spark_app.delivery.records import AuditRecord
from spark_app.errors import ForbiddenError, UnauthenticatedError
from spark_app.live.documents import KeyId, Maintenance, RoutingDocument
from spark_app.web.exchange import exchange_of, read_body, send_json
from spark_app.web.gate import authenticate
from spark_app.web.schemas import parse

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from spark_app.core.keys import KeyRing
    from spark_app.delivery.records import RequestRecorder
    from spark_app.providers.gateway import Gateway
    from spark_app.web.gate import State

__all__ = ["Admin", "Revocation"]

MAX_BODY = 16 * 1024
_log = logging.getLogger(__name__)


class Revocation(BaseModel):
    """A key id that is refused at once, or allowed again."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    keyId: KeyId  # noqa: N815
    action: Literal["revoke", "restore"] = "revoke"


class Admin:
    """The admin endpoints; each method is one."""

    def __init__(
        self, keys: KeyRing, gateway: Gateway, state: State, recorder: RequestRecorder
    ) -> None:
        self._keys = keys
        self._gateway = gateway
        self._state = state
        self._recorder = recorder

    async def show(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`GET /api/admin/state`."""
        self._authorize(scope)
        await send_json(send, 200, self._document())

    async def providers(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`PUT /api/admin/providers`: order, models, forced-open providers."""
        self._authorize(scope)
        wanted = parse(RoutingDocument, await read_body(receive, MAX_BODY))
        self._gateway.routing = wanted.routing()
        await self._done(scope, send, "providers", ",".join(wanted.order))

    async def maintenance(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`PUT /api/admin/maintenance`."""
        self._authorize(scope)
        self._state.maintenance = parse(Maintenance, await read_body(receive, MAX_BODY))
        await self._done(scope, send, "maintenance", str(self._state.maintenance.enabled).lower())

    async def revocations(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST /api/admin/revocations`."""
        self._authorize(scope)
        wanted = parse(Revocation, await read_body(receive, MAX_BODY))
        if wanted.action == "revoke":
            self._keys.revoke(wanted.keyId)
        else:
            self._keys.restore(wanted.keyId)
        await self._done(scope, send, wanted.action, wanted.keyId)

    def _authorize(self, scope: Scope) -> None:
        caller = authenticate(self._keys, scope)
        if caller is None:
            raise UnauthenticatedError("send the master key in the header X-API-Key")
        exchange_of(scope).key_id = caller.key_id
        if not caller.master:
            raise ForbiddenError("only the master key may use the admin endpoints")

    async def _done(self, scope: Scope, send: Send, action: str, target: str) -> None:
        exchange = exchange_of(scope)
        _log.warning("admin: %s %s", action, target)
        self._recorder.tell(
            AuditRecord(actor=MASTER, action=action, target=target, request_id=exchange.request_id)
        )
        await send_json(send, 200, self._document())

    def _document(self) -> dict[str, object]:
        routing = self._gateway.routing
        return {
            "providers": {
                "order": list(routing.order),
                "models": dict(routing.models),
                "forcedOpen": sorted(routing.forced_open),
            },
            "maintenance": self._state.maintenance.model_dump(mode="json"),
            "keys": {"ids": list(self._keys.key_ids), "revoked": list(self._keys.revoked)},
        }
