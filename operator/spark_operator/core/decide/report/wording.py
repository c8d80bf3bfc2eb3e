"""Numbers in words that do not change with every look."""

from __future__ import annotations

import math
from typing import Final

LARGEST: Final = 1e15
HIGHEST: Final = 10.0
"""What hostile numbers are cut to."""


def about(number: float) -> str:
    """A count to one significant digit, exact below ten; at most ``LARGEST``."""
    number = min(number, LARGEST)
    if number < 10:
        return f"{number:.0f}"
    size = 10 ** math.floor(math.log10(number))
    return f"{round(number / size) * size:,}"


def percent(share: float) -> str:
    """A share in per cent, in fives from five on; at most ``HIGHEST``."""
    value = 100.0 * min(share, HIGHEST)
    return f"{round(value / 5) * 5:.0f}%" if value >= 5 else f"{value:.1g}%"
