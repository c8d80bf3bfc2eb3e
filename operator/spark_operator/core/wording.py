"""Numbers in words that do not change with every look."""

from __future__ import annotations

import math


def about(number: float) -> str:
    """A count to one significant digit, exact below ten."""
    if number < 10:
        return f"{number:.0f}"
    size = 10 ** math.floor(math.log10(number))
    return f"{round(number / size) * size:,}"


def percent(share: float) -> str:
    """A share in per cent, in fives from five on."""
    value = 100.0 * share
    return f"{round(value / 5) * 5:.0f}%" if value >= 5 else f"{value:.1g}%"
