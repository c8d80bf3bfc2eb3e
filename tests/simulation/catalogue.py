"""All scenarios by name."""

from __future__ import annotations

from typing import Final

from tests.simulation import drifting, prepared, scenarios

SCENARIOS: Final = {
    story.name: story for story in (*scenarios.STORIES, *prepared.STORIES, *drifting.STORIES)
}
