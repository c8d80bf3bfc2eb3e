"""All scenarios by name."""

from __future__ import annotations

from typing import Final

from tests.simulation.stories import (
    alerted,
    closed,
    drifting,
    hostile,
    isolated,
    prepared,
    scenarios,
)

_STORIES: Final = (
    *scenarios.STORIES,
    *prepared.STORIES,
    *drifting.STORIES,
    *closed.STORIES,
    *isolated.STORIES,
    *alerted.STORIES,
    *hostile.STORIES,
)
SCENARIOS: Final = {story.name: story for story in _STORIES}
