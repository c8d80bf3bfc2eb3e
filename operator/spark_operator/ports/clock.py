"""The world as the reconciler sees it: one protocol for each edge, and the errors they raise."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since the epoch."""
