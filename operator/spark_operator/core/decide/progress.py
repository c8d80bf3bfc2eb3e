"""What a step that acts comes to."""

from __future__ import annotations

from enum import Enum, auto


class Progress(Enum):
    """The result of whatever may change a draft; what only asks answers ``bool``."""

    WAIT = auto()
    """Not yet: look again later."""
    DONE = auto()
    """Nothing stands in the way: go on."""
    LEFT_PHASE = auto()
    """The draft stands in another phase now: nothing else of this one may act."""
