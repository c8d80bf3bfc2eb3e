"""Thresholds at the ends of what the schema allows: nothing wedges, a failing release is out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.simulation.simulation import run
from tests.simulation.stories.scenarios import (
    NEW,
    Scenario,
    installed,
    is_rolled_back,
    rests_on,
    with_deadline,
)
from tests.simulation.world.behaviour import HEALTHY, Behaviour

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

EDGES: Final[dict[str, dict[str, Any]]] = {
    "warning 0%": {"analysis": {"errorRate": {"warning": "0%"}}},
    "critical 0%": {"analysis": {"errorRate": {"warning": "0%", "critical": "0%"}}},
    "critical 100%": {"analysis": {"errorRate": {"critical": "100%"}}},
    "warning 100%": {"analysis": {"errorRate": {"warning": "100%", "critical": "100%"}}},
    "hits 100%": {"analysis": {"cacheHitRate": {"warning": "100%"}}},
    "hits 0%": {"analysis": {"cacheHitRate": {"warning": "0%"}}},
    "verified 0%": {"verification": {"enabled": False, "errorRate": "0%"}},
    "verified 100%": {"verification": {"enabled": False, "errorRate": "100%"}},
}
ALL_FAIL: Final = Behaviour(error_rate=1.0)
TRIAL_SECONDS: Final = 300.0


def changes(edge: str, sensitivity: str) -> dict[str, Any]:
    asked = EDGES[edge]
    analysis = {"sensitivity": sensitivity, "onLowTraffic": "Pause"} | asked.get("analysis", {})
    rest = {name: value for name, value in asked.items() if name != "analysis"}
    return rest | {"analysis": analysis, "strategy": with_deadline("2m")}


@pytest.mark.parametrize("sensitivity", ["fast", "balanced"])
@pytest.mark.parametrize("edge", EDGES)
def test_a_release_that_fails_always_is_out(edge: str, sensitivity: str) -> None:
    async def script(sim: Simulation) -> None:
        await installed(sim, **changes(edge, sensitivity))
        sim.edit(image=NEW)
        await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback", TRIAL_SECONDS)

    history = run(Scenario(name="edge", script=script, images={NEW: ALL_FAIL}))
    assert history.stuck == ""
    assert history.errors == []


@pytest.mark.parametrize("edge", EDGES)
def test_a_healthy_release_comes_to_an_end(edge: str) -> None:
    async def script(sim: Simulation) -> None:
        await installed(sim, **changes(edge, "fast"))
        sim.edit(image=NEW)
        await sim.until(
            lambda: rests_on(sim, NEW) or is_rolled_back(sim, NEW), "an end", 2 * TRIAL_SECONDS
        )
        assert (sim.status.get("failure") or {}).get("outcome") != "Failed"

    history = run(Scenario(name="edge", script=script, images={NEW: HEALTHY}))
    assert history.stuck == ""
    assert history.errors == []
