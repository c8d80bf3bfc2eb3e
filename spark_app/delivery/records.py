"""What PostgreSQL and NATS are told about a request: never a prompt, a script or a key."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_app.delivery.outbox import Outbox

__all__ = ["AuditRecord", "Record", "RequestRecord", "RequestRecorder"]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One generation or export that was answered with 2xx."""

    kind: Literal["generation", "export"]
    request_id: str
    key_id: str
    release: str
    script_name: str
    duration_ms: float
    provider: str | None = None
    model: str | None = None
    source: str | None = None
    format: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    code_bytes: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    at: dt.datetime = field(default_factory=_now)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One thing that somebody changed: who, what, which."""

    actor: str
    action: str
    target: str
    request_id: str
    detail: dict[str, Any] = field(default_factory=dict)
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    at: dt.datetime = field(default_factory=_now)


Record = RequestRecord | AuditRecord


def as_event(record: Record) -> dict[str, Any]:
    """The record as JSON types."""
    return asdict(record) | {"id": str(record.id), "at": record.at.isoformat()}


class RequestRecorder:
    """Tells every configured receiver."""

    def __init__(self, outboxes: Sequence[Outbox[Record]]) -> None:
        self._outboxes = tuple(outboxes)

    def tell(self, record: Record) -> None:
        """Hand a record over; never waits, never raises."""
        for outbox in self._outboxes:
            outbox.put(record)

    @property
    def listening(self) -> bool:
        """Whether anybody wants records."""
        return bool(self._outboxes)
