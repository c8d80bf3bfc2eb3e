"""Stories in which alerts are pushed in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from spark_operator.core.observe.values import Alert
from tests.simulation.stories.scenarios import (
    NEW,
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

FINGERPRINT: Final = "a1"
AFTER_SECONDS: Final = 5.0


async def _on_trial(sim: Simulation) -> str:
    """A second release on trial for a while; its name."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    await asyncio.sleep(AFTER_SECONDS)
    return str(sim.status["candidate"]["release"])


def _alert(sim: Simulation, release: str = "", *, firing: bool = True) -> Alert:
    return Alert(FINGERPRINT, "Errors", sim.world.clock.now(), firing, release)


async def names_the_release(sim: Simulation) -> None:
    """An alert names the release on trial, which looks well to the judge."""
    release = await _on_trial(sim)
    sim.push(_alert(sim, release))
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def names_the_service(sim: Simulation) -> None:
    """An alert about the service holds the weight while both releases look alike, then ends."""
    await _on_trial(sim)
    alert = _alert(sim)
    sim.push(alert)
    await asyncio.sleep(60.0)
    sim.push(Alert(alert.fingerprint, alert.name, alert.starts_at, firing=False))
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def in_the_guard(sim: Simulation) -> None:
    """An alert names the release that was promoted a moment ago."""
    release = await _on_trial(sim)
    await sim.until(lambda: sim.phase == "Guarding", "the guard")
    await asyncio.sleep(AFTER_SECONDS)
    sim.push(_alert(sim, release))
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def comes_again(sim: Simulation) -> None:
    """An alert that rolled a release back is repeated when the release is let out."""
    release = await _on_trial(sim)
    alert = _alert(sim, release)
    sim.push(alert)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")
    sim.ask("let-out", f"{release}@first")
    await sim.until(lambda: at_step(sim, 0), "the second trial")
    sim.push(alert)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


STORIES: Final = (
    fails("alert", names_the_release),
    Scenario(
        name="alert-about-the-service",
        script=names_the_service,
        ends_on=NEW,
        outcomes=PROMOTED,
    ),
    fails("alert-in-guard", in_the_guard),
    Scenario(
        name="alert-again",
        script=comes_again,
        ends_on=NEW,
        outcomes=((NEW, "Failed"), (NEW, "Promoted")),
    ),
)
