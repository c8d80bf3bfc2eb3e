"""Which resource is reconciled first where not all can be at once."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from spark_operator.core.model.phases import Phase


class Urgency(IntEnum):
    """How soon a resource is to be reconciled; the lowest comes first."""

    TRAFFIC = 0
    """A release on trial has traffic, or is being cut."""
    UNDER_WAY = 1
    """Something goes on, or is asked for, that no user of the service feels yet."""
    AT_REST = 2
    """Nothing goes on."""


AT_ONCE: Final = {Urgency.TRAFFIC: 64, Urgency.UNDER_WAY: 16, Urgency.AT_REST: 8}
"""Reconciles that read the API server, side by side, of all resources together."""
_BY_PHASE: Final[Mapping[str, Urgency]] = {
    Phase.PROGRESSING: Urgency.TRAFFIC,
    Phase.PAUSED: Urgency.TRAFFIC,
    Phase.PROMOTING: Urgency.TRAFFIC,
    Phase.GUARDING: Urgency.TRAFFIC,
    Phase.ROLLING_BACK: Urgency.TRAFFIC,
    Phase.STABLE: Urgency.AT_REST,
    Phase.ROLLED_BACK: Urgency.AT_REST,
}


def of_phase(phase: str) -> Urgency:
    """How urgent a resource is that stands in a phase; one in none is about to begin."""
    return _BY_PHASE.get(phase, Urgency.UNDER_WAY)


def of_resource(resource: Mapping[str, Any]) -> Urgency:
    """How urgent a resource is as the API server gives it.

    One whose spec changed since its status was written is under way at least.
    """
    status = resource.get("status")
    if not isinstance(status, Mapping):
        return Urgency.UNDER_WAY
    found = of_phase(str(status.get("phase", "")))
    is_newer = resource["metadata"].get("generation") != status.get("observedGeneration")
    return min(found, Urgency.UNDER_WAY) if is_newer else found
