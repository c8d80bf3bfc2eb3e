"""The documents that may change while the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from spark_app.core.provider import PROVIDERS, Provider
from spark_app.core.routing import Routing

if TYPE_CHECKING:
    from datetime import datetime


MAX_REVOKED = 10_000


KeyId = Annotated[str, Field(pattern=r"^user-[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]


class RoutingDocument(BaseModel):
    """Providers as an operator sets them: a mounted JSON file, or `PUT /api/admin/providers`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    order: Annotated[tuple[Provider, ...], Field(min_length=1, max_length=len(PROVIDERS))]
    models: dict[Provider, Annotated[str, Field(pattern=r"^[A-Za-z0-9._:/-]{1,128}$")]] = {}
    forcedOpen: tuple[Provider, ...] = ()  # noqa: N815 - the document's name

    def routing(self) -> Routing:
        """The same for the gateway."""
        order = tuple(dict.fromkeys(self.order))
        return Routing(order, dict(self.models), frozenset(self.forcedOpen))


class Maintenance(BaseModel):
    """Whether the service is closed on purpose, and what to tell users."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    enabled: bool = False
    message: Annotated[str, Field(max_length=500)] = "SPARK is in maintenance; please come back."
    retryAfterSeconds: Annotated[int, Field(ge=1, le=86_400)] = 300  # noqa: N815
    until: AwareDatetime | None = None

    def retry_after(self, now: datetime) -> float:
        """Seconds until the end, 1 to 86400; `retryAfterSeconds` where it is not known, or past."""
        left = (self.until - now).total_seconds() if self.until else 0.0
        return min(86_400.0, max(1.0, left)) if left > 0 else float(self.retryAfterSeconds)


class Revocations(BaseModel):
    """Ids of keys that are refused, whatever other lists say; the list replaces the one before."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    revoked: Annotated[tuple[KeyId, ...], Field(max_length=MAX_REVOKED)] = ()
