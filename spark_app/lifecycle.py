"""Whether the process is starting, serving or draining."""

from __future__ import annotations

__all__ = ["Lifecycle"]


class Lifecycle:
    """Shared by the server, which gets the signals, and the edge, which answers by it."""

    def __init__(self) -> None:
        self.started = False
        self.draining = False
