"""A sliding-window counter: the last window's count, weighted by what of it still overlaps.

The same estimate as ``limits``' sliding-window counter makes in Redis, without its thread and its
locks: one process's counters are touched by one event loop only.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEYS: Final = 100_000


class Count(NamedTuple):
    """What a hit led to: ``reset`` is in seconds until there is room for another."""

    allowed: bool
    remaining: int
    reset: float


class SlidingWindow:
    """A count of hits by key.

    Args:
        amount: hits that are allowed in any window, approximately.
        seconds: the window's length.
        now: seconds, monotonic or not.
    """

    def __init__(self, amount: int, seconds: float, now: Callable[[], float]) -> None:
        self._amount = amount
        self._seconds = seconds
        self._now = now
        # By key: the window's number, its hits, the hits of the window before.
        self._counts: OrderedDict[str, tuple[int, int, int]] = OrderedDict()

    def hit(self, key: str) -> Count:
        """Count one hit if there is room for it."""
        now = self._now()
        hits, before, elapsed = self._state(key, now)
        weighted = self._weighted(hits, before, elapsed)
        allowed = weighted + 1.0 <= self._amount
        hits += allowed
        self._counts[key] = (int(now // self._seconds), hits, before)
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_KEYS:
            self._counts.popitem(last=False)
        remaining = max(0, int(self._amount - weighted - allowed))
        return Count(allowed, remaining, self._room(hits, before, elapsed) if not remaining else 0)

    def full(self, key: str) -> bool:
        """Whether a hit would not be allowed now; counts nothing."""
        hits, before, elapsed = self._state(key, self._now())
        return self._weighted(hits, before, elapsed) + 1.0 > self._amount

    def _state(self, key: str, now: float) -> tuple[int, int, float]:
        number, elapsed = divmod(now, self._seconds)
        window = int(number)
        seen, hits, before = self._counts.get(key, (window, 0, 0))
        if seen != window:
            hits, before = 0, (hits if seen == window - 1 else 0)
        return hits, before, elapsed

    def _weighted(self, hits: int, before: int, elapsed: float) -> float:
        return hits + before * (1.0 - elapsed / self._seconds)

    def _room(self, hits: int, before: int, elapsed: float) -> float:
        """Return the seconds until the weighted count has fallen to ``amount - 1``."""
        spare = self._amount - 1 - hits
        if before and spare >= 0:
            return max(0.0, self._seconds * (1.0 - spare / before) - elapsed)
        # Only the next window brings room; this one's hits are then the weighted ones.
        return self._seconds - elapsed + max(0.0, self._seconds * (1.0 - (self._amount - 1) / hits))
