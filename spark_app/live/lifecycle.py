"""Whether the process is starting, serving or draining."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lifecycle"]


class Lifecycle:
    """Shared by the server, which gets the signals, and the edge, which answers by it.

    Attributes:
        missing: names the required dependencies that are down.
    """

    def __init__(self) -> None:
        self.started = False
        self.draining = False
        self.missing: Callable[[], list[str]] = list

    @property
    def ready(self) -> bool:
        """Whether new connections are welcome."""
        return self.started and not self.draining and not self.missing()

    @property
    def why_not(self) -> str:
        """What keeps it from being ready."""
        if self.draining:
            return "draining"
        if not self.started:
            return "starting"
        return f"required but down: {', '.join(self.missing())}"
