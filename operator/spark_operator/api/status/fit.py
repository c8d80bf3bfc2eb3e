"""Keeps a status below the size that the API promises, whatever its lists and texts hold."""

from __future__ import annotations

import json
from typing import Any, Final

MAX_STATUS_BYTES: Final = 65_536
"""Largest status that is written, in bytes of JSON."""
_SHORTENED: Final = (
    ("ledger", 10),
    ("history", 5),
    ("diagnosis", 2),
    ("ledger", 1),
    ("history", 1),
    ("diagnosis", 1),
)
"""Lists, newest first, that lose their oldest entries in this order, and the fewest they keep."""
_CLIPPED: Final = (
    ("detail", 40),
    ("message", 120),
    ("image", 64),
    ("message", 60),
    ("image", 32),
    ("message", 40),
)
"""Texts that are cut where short lists are not enough, and the characters they keep."""


def fit(status: dict[str, Any], limit: int = MAX_STATUS_BYTES) -> dict[str, Any]:
    """The status in at most ``limit`` bytes: the oldest entries go first, then long texts are cut.

    Nothing that decides what runs is touched: releases, weights, conditions' states, the
    quarantine's names and the consumed requests stay.  The last valid spec and the judge's state
    go last: without the one an invalid spec ends the watch, without the other a restart begins
    anew to gather evidence.  A status that fits is returned as it is.

    Args:
        status: JSON values as they are written.
        limit: bytes of compact UTF-8 JSON.
    """
    fitted = dict(status)
    for name, fewest in _SHORTENED:
        while size(fitted) > limit and len(fitted.get(name, ())) > fewest:
            fitted[name] = fitted[name][:-1]
    for name, characters in _CLIPPED:
        if size(fitted) > limit:
            fitted = _clip(fitted, name, characters)
    if size(fitted) > limit and "jobs" in fitted:
        fitted["jobs"] = [{**job, "checks": []} for job in fitted["jobs"]]
    if size(fitted) > limit and fitted.get("acceptedSpec"):
        # Empty, not absent: it would be written again and again.
        fitted["acceptedSpec"] = ""
    if size(fitted) > limit:
        fitted.pop("judge", None)
    return fitted


def size(status: dict[str, Any]) -> int:
    """Bytes of a status as the API server stores it."""
    return len(json.dumps(status, ensure_ascii=False, separators=(",", ":")).encode())


def _clip(value: Any, name: str, characters: int) -> Any:
    if isinstance(value, dict):
        return {
            key: item[:characters]
            if key == name and isinstance(item, str)
            else _clip(item, name, characters)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_clip(item, name, characters) for item in value]
    return value
