"""All scenarios by name."""

from __future__ import annotations

from typing import Final

from tests.simulation import prepared, scenarios

SCENARIOS: Final = {story.name: story for story in (*scenarios.STORIES, *prepared.STORIES)}
