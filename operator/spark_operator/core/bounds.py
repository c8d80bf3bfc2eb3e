"""The status as a whole stays below a bound, whatever its parts say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from spark_operator.api.status import SparkDeploymentStatus

MAX_BYTES: Final = 60 * 1024
"""Below 64 KiB, with room for how the API server escapes and orders it."""
_EXPENDABLE: Final = ("ledger", "history", "quarantine")
"""Lists whose oldest entries, the last ones, are given up, in this order."""


def size(status: SparkDeploymentStatus) -> int:
    """Bytes of the status as JSON."""
    return len(status.model_dump_json(by_alias=True, exclude_none=True).encode())


def fitting(status: SparkDeploymentStatus) -> dict[str, Any]:
    """The lists that must be shortened for the status to fit, as they shall be; mostly none."""
    changes: dict[str, Any] = {}
    excess = size(status) - MAX_BYTES
    for name in _EXPENDABLE:
        entries = list(getattr(status, name))
        while excess > 0 and entries:
            oldest = entries.pop()
            excess -= len(oldest.model_dump_json(by_alias=True, exclude_none=True).encode())
            changes[name] = tuple(entries)
    return changes
