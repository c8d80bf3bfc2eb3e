"""One side of a resource that a condition speaks of."""

from __future__ import annotations

from typing import NamedTuple


class Aspect(NamedTuple):
    """What one condition says."""

    holds: bool
    reason: str
    message: str
