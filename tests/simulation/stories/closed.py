"""Stories of maintenance windows and freezes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import format_time, to_time
from tests.simulation.faults import wall
from tests.simulation.stories.scenarios import (
    LATE,
    NEW,
    OLD,
    PROMOTED,
    Scenario,
    at_step,
    fails,
    installed,
    is_rolled_back,
    rests_on,
)

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

FROZEN: Final = 240.0
"""When the freeze ends, seconds from the beginning; every first release is stable by then."""
CLOSED: Final = {"enabled": True}
OPEN: Final = {"enabled": False}


def moment(seconds: float) -> str:
    """A time of the history, counted from its beginning, as a spec has it.

    The same in every history, or none would end like the one without faults.
    """
    return format_time(to_time(round(wall(seconds))))


def is_in(sim: Simulation, state: str) -> bool:
    """Whether maintenance is announced, active, or over; an empty state: none is remembered."""
    return str((sim.status.get("maintenance") or {}).get("state", "")) == state


async def over(sim: Simulation) -> None:
    """Wait until the window is forgotten, which is the last thing that is written for it."""
    await sim.until(lambda: is_in(sim, ""), "the window to be forgotten")


async def window(sim: Simulation) -> None:
    """From the announcement to the end, and a release applied meanwhile; providers fail inside."""
    await installed(sim)
    sim.edit(maintenance={"from": moment(180), "until": moment(360), "announce": "60s"})
    await sim.until(lambda: is_in(sim, "Announced"), "the announcement")
    await sim.until(lambda: is_in(sim, "Active"), "the window")
    sim.world.break_provider(0.9)
    sim.edit(image=NEW)
    await sim.until(lambda: not is_in(sim, "Active"), "the window's end")
    sim.world.break_provider(0.0)
    await sim.until(lambda: rests_on(sim, NEW), "the end of the guard")
    await over(sim)


async def trial_in_window(sim: Simulation) -> None:
    """A release is on trial when the service is closed; all fails inside, and nobody is blamed."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    sim.edit(maintenance=CLOSED)
    await sim.until(lambda: is_in(sim, "Active"), "the window")
    sim.world.break_late()
    await asyncio.sleep(60.0)
    sim.world.mend()
    sim.edit(maintenance=OPEN)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")
    await over(sim)


async def window_too_short(sim: Simulation) -> None:
    """The service is open again before the release's pods are ready: it goes step by step."""
    await installed(sim)
    sim.edit(maintenance=CLOSED)
    await sim.until(lambda: is_in(sim, "Active"), "the window")
    sim.edit(image=NEW)
    await sim.until(lambda: sim.phase == "Promoting", "the launch")
    sim.edit(maintenance=OPEN)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")
    await over(sim)


async def fault_after_window(sim: Simulation) -> None:
    """A release that was switched to inside fails once users are back."""
    await installed(sim)
    sim.edit(maintenance=CLOSED, guard={"duration": "5m"})
    await sim.until(lambda: is_in(sim, "Active"), "the window")
    sim.edit(image=NEW)
    await sim.until(lambda: sim.phase == "Guarding", "the switch")
    sim.edit(maintenance=OPEN)
    await asyncio.sleep(30.0)
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")
    await over(sim)


async def freeze(sim: Simulation) -> None:
    """A release is applied in a freeze and waits for its end; the first one of all does not."""
    await installed(
        sim, freeze=[{"from": moment(-5), "until": moment(FROZEN), "reason": "holidays"}]
    )
    sim.edit(image=NEW)
    await asyncio.sleep(FROZEN - 5.0 - sim.loop.time())
    assert "candidate" not in sim.status, "a release starts in a freeze"
    assert sim.status["stable"]["image"] == OLD, "a release was promoted in a freeze"
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


STORIES: Final = (
    Scenario(name="maintenance", script=window, ends_on=NEW, outcomes=PROMOTED),
    Scenario(
        name="maintenance-in-trial",
        script=trial_in_window,
        images={NEW: LATE},
        ends_on=NEW,
        outcomes=PROMOTED,
    ),
    Scenario(name="maintenance-too-short", script=window_too_short, ends_on=NEW, outcomes=PROMOTED),
    fails("fault-after-maintenance", fault_after_window, {NEW: LATE}),
    Scenario(name="freeze", script=freeze, ends_on=NEW, outcomes=PROMOTED),
)
