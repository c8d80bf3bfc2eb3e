"""Names that no file can have on Windows, whatever comes behind their dot.

Source: Microsoft's "Naming Files, Paths, and Namespaces".
"""

from __future__ import annotations

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}
)


def is_reserved(name: str) -> bool:
    """Whether Windows keeps a name, without its extension, for a device."""
    return name.lower() in _DEVICES
