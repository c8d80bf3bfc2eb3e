"""Stories of a service that is cut off for an investigation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tests.simulation.stories.scenarios import NEW, PROMOTED, Scenario, at_step, installed, rests_on

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

SECONDS: Final = 90.0
"""How long it is cut off: longer than a step, a guard, or what a judge is patient for."""


def is_isolated(sim: Simulation) -> bool:
    """Whether status says that it is cut off."""
    conditions = sim.status.get("conditions") or []
    return any((item["type"], item["status"]) == ("Isolated", "True") for item in conditions)


async def in_trial(sim: Simulation) -> None:
    """Cut off in the middle of a trial, which goes on afterwards."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    await _for_a_while(sim)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def in_guard(sim: Simulation) -> None:
    """Cut off while a promoted release is watched."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: sim.phase == "Guarding", "the promotion")
    await _for_a_while(sim)
    await sim.until(lambda: rests_on(sim, NEW), "the end of the guard")


async def _for_a_while(sim: Simulation) -> None:
    sim.edit(isolated=True)
    await sim.until(lambda: is_isolated(sim), "the isolation")
    await asyncio.sleep(SECONDS)
    sim.edit(isolated=False)
    await sim.until(lambda: not is_isolated(sim), "its end")


STORIES: Final = (
    Scenario(
        name="isolated-in-trial",
        script=in_trial,
        ends_on=NEW,
        outcomes=PROMOTED,
        loses_requests=True,
    ),
    Scenario(
        name="isolated-in-guard",
        script=in_guard,
        ends_on=NEW,
        outcomes=PROMOTED,
        loses_requests=True,
    ),
)
