"""When a channel that failed is tried again."""

from __future__ import annotations

from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 300.0


def delay(failures: int, spread: float, asked: float = 0.0) -> float:
    """Seconds to wait: doubling from one second to five minutes, between half and all of it.

    Args:
        failures: how many attempts in a row have failed, from 1.
        spread: a random number from 0 to 1, so that many channels of one server do not come back
            at the same moment.
        asked: what the server asked for (Retry-After), taken where it is longer, up to the longest.
    """
    full = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 20))
    return min(LONGEST_SECONDS, max(full * (0.5 + spread / 2), asked))
