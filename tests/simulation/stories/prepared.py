"""Stories of releases whose own commands run as Jobs: preflight, migration, verification."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.stories.scenarios import (
    BAD,
    LATE,
    NEW,
    NEWER,
    PROMOTED,
    Scenario,
    at_step,
    fails,
    installed,
    is_rolled_back,
    rests_on,
    with_deadline,
)
from tests.simulation.world.behaviour import Behaviour
from tests.simulation.world.work import Work

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

INCONCLUSIVE: Final = ((NEW, "Inconclusive"),)
WITH_JOBS: Final[dict[str, Any]] = {
    "preflight": {"timeout": "30s"},
    "migrations": {"timeout": "40s", "rollback": "Allowed"},
    "verification": {"timeout": "20s"},
}
UNDOES: Final = {"timeout": "40s", "rollback": "Automatic"}


async def prepared(sim: Simulation, **changes: Any) -> None:
    """A first release with its Jobs, then the wish for a second."""
    await installed(sim, **WITH_JOBS | changes)
    sim.edit(image=NEW)


async def promoted(sim: Simulation) -> None:
    """A release passes all its checks."""
    await prepared(sim)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def rolled_back(sim: Simulation) -> None:
    """A release fails one of them."""
    await prepared(sim)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def undone(sim: Simulation) -> None:
    """A release fails on trial, and its migration is undone."""
    await prepared(sim, migrations=UNDOES)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def held(sim: Simulation) -> None:
    """What fails on both releases holds the rollout until its deadline."""
    await prepared(sim, strategy=with_deadline("3m"))
    await sim.until(lambda: is_rolled_back(sim, NEW), "the deadline")


async def superseded(sim: Simulation) -> None:
    """A third release is asked for while the second migrates."""
    await prepared(sim)
    await sim.until(lambda: sim.phase == "Migrating", "the migration")
    await asyncio.sleep(2.0)
    sim.edit(image=NEWER)
    await sim.until(lambda: rests_on(sim, NEWER), "the promotion")


async def node_lost(sim: Simulation) -> None:
    """The migration's pod is taken away half way."""
    await prepared(sim)
    await sim.until(lambda: sim.is_running("migrate"), "the migration's pod")
    sim.take_pod("migrate")
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def deleted(sim: Simulation) -> None:
    """The resource is deleted while a migration runs."""
    await prepared(sim)
    await sim.until(lambda: sim.is_running("migrate"), "the migration's pod")
    sim.delete()
    await asyncio.sleep(120.0)


async def late_fault(sim: Simulation) -> None:
    """A verified release fails at the second step; its migration is undone."""
    await prepared(sim, migrations=UNDOES)
    await sim.until(lambda: at_step(sim, 1), "the second step")
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def let_out(sim: Simulation) -> None:
    """A release that migrated and failed is repaired and let out: its schema is there already."""
    await prepared(sim)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")
    sim.behaves(NEW, Behaviour())
    sim.ask("let-out", f"{sim.status['failure']['release']}@first")
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


def _new(**jobs: Work) -> dict[str, Behaviour]:
    return {NEW: Behaviour(jobs=jobs)}


STORIES: Final = (
    Scenario(name="jobs-pass", script=promoted, ends_on=NEW, outcomes=PROMOTED),
    Scenario(
        name="preflight-fails",
        script=rolled_back,
        images=_new(preflight=Work(end="fails")),
        phase="RolledBack",
        outcomes=INCONCLUSIVE,
    ),
    Scenario(
        name="preflight-hangs",
        script=rolled_back,
        images=_new(preflight=Work(end="hangs")),
        phase="RolledBack",
        outcomes=INCONCLUSIVE,
    ),
    fails("migration-fails", rolled_back, _new(migrate=Work(end="fails"))),
    fails("migration-hangs", rolled_back, _new(migrate=Work(end="hangs"))),
    Scenario(
        name="migration-killed",
        script=rolled_back,
        images=_new(migrate=Work(end="is killed after its commit")),
        phase="RolledBack",
        outcomes=INCONCLUSIVE,
    ),
    Scenario(name="migration-node-lost", script=node_lost, ends_on=NEW, outcomes=PROMOTED),
    fails("migration-undone", undone, {NEW: BAD}),
    fails("migration-undone-late", late_fault, {NEW: LATE}),
    Scenario(
        name="newer-spec-in-migration",
        script=superseded,
        ends_on=NEWER,
        outcomes=((NEW, "Superseded"), (NEWER, "Promoted")),
    ),
    Scenario(
        name="migrated-before",
        script=let_out,
        images={NEW: BAD},
        ends_on=NEW,
        outcomes=((NEW, "Failed"), (NEW, "Promoted")),
    ),
    Scenario(name="delete-in-migration", script=deleted, ends_on=None, phase=""),
    fails("verification-fails", rolled_back, _new(verify=Work(end="fails", check="generate"))),
    Scenario(
        name="verification-fails-alike",
        script=held,
        images=_new(verify=Work(end="fails"), compare=Work(end="fails")),
        phase="RolledBack",
        outcomes=INCONCLUSIVE,
    ),
)
