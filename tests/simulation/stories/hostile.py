"""Stories of small, legal inputs that must wedge nothing: the way back stays open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.stories.prepared import WITH_JOBS
from tests.simulation.stories.scenarios import (
    LATE,
    NEW,
    at_step,
    fails,
    installed,
    is_rolled_back,
)
from tests.simulation.world.behaviour import Behaviour
from tests.simulation.world.work import Work

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

WRONG: Final[dict[str, Any]] = {"webhook": [{"name": "chat", "url": "https://x\u00a0y/hook"}]}
"""Notifications that the API server's schema lets through and the operator's models refuse."""
BOOM: Final = "\ud800 boom"
"""What JSON can carry and UTF-8 cannot."""


async def invalid_edit_in_trial(sim: Simulation) -> None:
    """The spec becomes invalid in the middle of a trial, and then the release fails."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 1), "the second step")
    sim.edit(notifications=WRONG)
    await asyncio.sleep(2.0)
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def unprintable_report(sim: Simulation) -> None:
    """A release's own verification writes half a surrogate pair, and then the release fails."""
    await installed(sim, **WITH_JOBS)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    await asyncio.sleep(20.0)
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


STORIES: Final = (
    fails("invalid-edit-in-trial", invalid_edit_in_trial, {NEW: LATE}),
    fails(
        "unprintable-report",
        unprintable_report,
        {NEW: Behaviour(late_error_rate=0.5, jobs={"verify": Work(end="fails", detail=BOOM)})},
    ),
)
