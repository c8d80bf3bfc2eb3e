"""Who was refused lately: a bounded count by key id that forgets.

Two buckets, each for half of the window: what is told covers between one half and the whole, and
nothing has to be remembered for each request.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

OTHER: Final = "other"
MAX_IDS: Final = 10_000
TOP: Final = 20


class RecentRefusals:
    """Refusals by key id, and the smallest share of its limit that a key had left.

    Args:
        window: seconds; every ``now`` is monotonic.
    """

    def __init__(self, window: float) -> None:
        self._half = window / 2.0
        self._turned: float | None = None
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._lowest = [1.0, 1.0]

    def note(self, key_id: str, *, allowed: bool, left: float, now: float) -> None:
        """Note one request of a key; ``left`` is the share of its limit that remains, 0 to 1."""
        self._turn(now)
        self._lowest[0] = min(self._lowest[0], left)
        if not allowed:
            current = self._counts[0]
            known = key_id in current or len(current) < MAX_IDS
            current[key_id if known else OTHER] += 1

    def top(self, now: float) -> dict[str, int]:
        """Return the ids with the most refusals, at most 20, and the sum of all ``other``s."""
        self._turn(now)
        both = self._counts[0] + self._counts[1]
        rest = both.pop(OTHER, 0)
        ranked = sorted(both.items(), key=lambda item: (-item[1], item[0]))
        rest += sum(count for _, count in ranked[TOP:])
        return dict(ranked[:TOP]) | {OTHER: rest}

    def lowest(self, now: float) -> float:
        """Return the smallest share that any key had left, 1 without a request."""
        self._turn(now)
        return min(self._lowest)

    def _turn(self, now: float) -> None:
        if self._turned is None:
            self._turned = now
        past = (now - self._turned) // self._half
        if past < 1:
            return
        self._turned += past * self._half
        old = self._counts[0] if past == 1 else Counter[str]()
        self._counts = (Counter(), old)
        self._lowest = [1.0, self._lowest[0] if past == 1 else 1.0]
