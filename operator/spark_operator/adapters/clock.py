"""The machine's clock."""

from __future__ import annotations

import time


class SystemClock:
    """The ``Clock`` port on the machine's wall clock."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()
