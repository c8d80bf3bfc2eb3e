"""An end that comes: what hangs in a process must not keep it for ever."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_CODE: Final = 1


def end_process() -> None:
    """End this process at once, whatever its threads wait for."""
    os._exit(EXIT_CODE)


def end_within(seconds: float, end: Callable[[], None] = end_process) -> None:
    """Let the process end by itself within some seconds, and end it when it does not.

    Args:
        seconds: how long it has.
        end: ends it.
    """
    timer = threading.Timer(seconds, end)
    # A process that ends by itself does not wait for it.
    timer.daemon = True
    timer.start()
