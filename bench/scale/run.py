"""One run of the rig: numbers of resources in rising order, on one cluster and one operator."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.scale.cluster import ROOT
from bench.scale.fleet import Fleet
from bench.scale.measures import Measured, grow, rest, rollouts, start
from bench.scale.processes import RigError
from bench.scale.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.scale.cluster import Cluster

SETTLE_SECONDS: Final = 10.0
"""After a start and after growing, before rest is measured."""


@dataclass(frozen=True)
class Plan:
    """What is measured: numbers of resources, rollouts at once, seconds of watching at rest."""

    resources: tuple[int, ...]
    rollouts: int
    rest_seconds: float
    source: Path = ROOT / "operator"
    """The folder that has the operator's package."""


async def measure(
    cluster: Cluster,
    plan: Plan,
    *,
    say: Callable[[str], None] = lambda _: None,
    keep: Callable[[Measured], None] = lambda _: None,
) -> list[Measured]:
    """Measure at every number; what the operator cannot do is a note, and ends the run.

    Args:
        cluster: where.
        plan: what.
        say: told how far it is.
        keep: given what was measured at each number, as soon as it was.
    """
    found: list[Measured] = []
    watched = Watched(cluster, plan.source)
    try:
        async with Fleet(cluster) as fleet:
            watched.start()
            for count in plan.resources:
                step = Measured(count)
                found.append(step)
                try:
                    await _one(cluster, watched, fleet, plan, step, say)
                except RigError as error:
                    step.notes.append(str(error))
                    say(f"{count}: {error}")
                    break
                finally:
                    keep(step)
    finally:
        watched.stop()
    return found


async def _one(
    cluster: Cluster,
    watched: Watched,
    fleet: Fleet,
    plan: Plan,
    step: Measured,
    say: Callable[[str], None],
) -> None:
    count = step.resources
    step.grown = await grow(watched, fleet, range(len(fleet.tracks), count))
    say(f"{count}: all stable after {step.grown:.1f} s")
    step.start = await start(watched, count)
    say(f"{count}: {step.start}")
    if step.start.seconds is None:
        lost = step.start.lost
        raise RigError(
            f"the operator never started, {lost} times because its Lease was lost:"
            f" {watched.said()[-200:]}"
        )
    await asyncio.sleep(SETTLE_SECONDS)
    step.rest = await rest(cluster, watched, plan.rest_seconds)
    say(f"{count}: {step.rest}")
    if plan.rollouts:
        step.rollouts = await rollouts(cluster, watched, fleet, min(plan.rollouts, count))
        say(f"{count}: {step.rollouts}")
        await fleet.until("all is at rest", lambda: _all_rest(fleet), seconds=60.0)


def _all_rest(fleet: Fleet) -> bool:
    return not set(fleet.counts()) - {"Stable", "RolledBack"}
