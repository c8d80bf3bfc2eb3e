"""What happens in a history when nothing goes wrong with the operator: the stories of a release."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.world.behaviour import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.simulation.simulation import Simulation

OLD: Final = "spark:1"
NEW: Final = "spark:2"
NEWER: Final = "spark:3"
FAILING: Final = 0.5
DEADLINE: Final = "30m"
"""Longer than any outage of the campaign, so that an outage alone ends no trial."""
SHORT_DEADLINE: Final = "2m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story and how it must end.

    Attributes:
        script: what people and the world do.
        images: how images behave that are not healthy.
        ends_on: the image that is stable at the end; None: the resource is gone.
        phase: where the resource rests.
        outcomes: outcome by image that the history must name.
        quarantined: images whose releases must be in quarantine at the end.
        like: the scenario that must end in the same state.
        loses_requests: whether the world itself, not the operator, takes users' pods away.
    """

    name: str
    script: Callable[[Simulation], Awaitable[None]]
    images: Mapping[str, Behaviour] = field(default_factory=dict)
    ends_on: str | None = OLD
    phase: str = "Stable"
    outcomes: tuple[tuple[str, str], ...] = ()
    quarantined: tuple[str, ...] = ()
    like: str = ""
    loses_requests: bool = False


def spec(**changes: Any) -> dict[str, Any]:
    """A short plan with everything at its default that is not about time."""
    steps = [{"weight": 25, "minDuration": "10s"}, {"weight": 50, "minDuration": "10s"}]
    base: dict[str, Any] = {
        "image": OLD,
        "replicas": 4,
        "secrets": {"anthropicAPIKey": {"name": "providers", "key": "anthropic"}},
        "strategy": {"canary": {"steps": [*steps, {"weight": 100}], "progressDeadline": DEADLINE}},
        "analysis": {"sensitivity": "fast", "onLowTraffic": "Pause"},
        "preflight": {"enabled": False},
        "verification": {"enabled": False},
        "guard": {"duration": "20s"},
    }
    return base | changes


def with_deadline(deadline: str) -> dict[str, Any]:
    """The plan with another deadline."""
    return {"canary": spec()["strategy"]["canary"] | {"progressDeadline": deadline}}


def rests_on(sim: Simulation, image: str) -> bool:
    """Whether the image is stable and nothing is on trial or under guard."""
    return sim.phase == "Stable" and bool(sim.status.get("stable", {}).get("image") == image)


def is_rolled_back(sim: Simulation, image: str) -> bool:
    """Whether the image's release was rolled back and waits for a person."""
    failure = sim.status.get("failure") or {}
    return sim.phase == "RolledBack" and failure.get("image") == image


def at_step(sim: Simulation, index: int) -> bool:
    """Whether the candidate is on trial at this step and has traffic."""
    step = sim.status.get("step") or {}
    return sim.phase == "Progressing" and step.get("index") == index and "observedSince" in step


async def installed(sim: Simulation, **changes: Any) -> None:
    """Make the resource and wait for its first release."""
    sim.create(spec(**changes))
    await sim.until(lambda: rests_on(sim, OLD), "the first release")


async def first_install(sim: Simulation) -> None:
    """Nothing, then a stable release."""
    await installed(sim)


async def good_release(sim: Simulation) -> None:
    """A good release goes through all steps and its guard."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def bad_release(sim: Simulation) -> None:
    """A release that does not work, from the beginning."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def never_starts(sim: Simulation) -> None:
    """A release whose pods never become ready."""
    await installed(sim, strategy=with_deadline(SHORT_DEADLINE))
    sim.edit(image=NEW)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the deadline")


async def late_fault(sim: Simulation) -> None:
    """A fault that begins at the second step."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 1), "the second step")
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def fault_in_promotion(sim: Simulation) -> None:
    """A fault that begins when promotion does."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: sim.phase == "Promoting", "the promotion")
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def fault_in_guard(sim: Simulation) -> None:
    """A fault 5 s after promotion."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: sim.phase == "Guarding", "the guard")
    await asyncio.sleep(5.0)
    sim.world.break_late()
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")


async def newer_spec(sim: Simulation) -> None:
    """A third release is asked for while the second is on trial."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 1), "the second step")
    sim.edit(image=NEWER)
    await sim.until(lambda: rests_on(sim, NEWER), "the promotion")


async def release_in_guard(sim: Simulation) -> None:
    """A third release is asked for while the second is under guard."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: sim.phase == "Guarding", "the guard")
    sim.edit(image=NEWER)
    await sim.until(lambda: rests_on(sim, NEWER), "the promotion")


async def revert(sim: Simulation) -> None:
    """The spec names stable again while the second release is on trial."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 1), "the second step")
    sim.edit(image=OLD)
    await sim.until(lambda: rests_on(sim, OLD), "the return")


async def delete_in_trial(sim: Simulation) -> None:
    """The resource is deleted while a release is on trial."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    sim.delete()
    await asyncio.sleep(120.0)


async def pause_and_resume(sim: Simulation) -> None:
    """The rollout is paused for two minutes."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    sim.edit(paused=True)
    await sim.until(lambda: sim.phase == "Paused", "the pause")
    await asyncio.sleep(120.0)
    sim.edit(paused=False)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def provider_outage(sim: Simulation) -> None:
    """A provider fails a third of all requests for 20 s of the trial."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    sim.world.break_provider(0.3)
    await asyncio.sleep(20.0)
    sim.world.break_provider(0.0)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def scale_in_trial(sim: Simulation) -> None:
    """The service is scaled up, then down, while a release is on trial."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: at_step(sim, 0), "the first step")
    sim.edit(replicas=6)
    await sim.until(lambda: at_step(sim, 1), "the second step")
    sim.edit(replicas=3)
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def retry(sim: Simulation) -> None:
    """A release whose image could not be pulled is tried again once it can."""
    await installed(sim, strategy=with_deadline(SHORT_DEADLINE))
    sim.edit(image=NEW)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the deadline")
    sim.behaves(NEW, Behaviour())
    sim.edit(strategy=with_deadline(DEADLINE))
    sim.ask("retry", "first")
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


async def let_out(sim: Simulation) -> None:
    """A quarantined release is repaired, let out by name and promoted."""
    await installed(sim)
    sim.edit(image=NEW)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the rollback")
    sim.edit(config={"LOG_LEVEL": "debug"})
    await sim.until(lambda: _held_again(sim), "the image's quarantine to hold")
    sim.edit(config=None)
    await sim.until(lambda: is_rolled_back(sim, NEW), "the return to the release")
    sim.behaves(NEW, Behaviour())
    sim.ask("let-out", f"{sim.status['failure']['release']}@first")
    await sim.until(lambda: rests_on(sim, NEW), "the promotion")


def _held_again(sim: Simulation) -> bool:
    failure = sim.status.get("failure") or {}
    return sim.phase == "RolledBack" and failure.get("reason") == "ReleaseQuarantined"


PROMOTED: Final = ((NEW, "Promoted"),)
FAILED: Final = ((NEW, "Failed"),)
BAD: Final = Behaviour(error_rate=FAILING)
LATE: Final = Behaviour(late_error_rate=FAILING)


def fails(
    name: str,
    script: Callable[[Simulation], Awaitable[None]],
    images: Mapping[str, Behaviour] | None = None,
) -> Scenario:
    """A story at whose end the new release has failed, and is rolled back and quarantined."""
    return Scenario(
        name=name,
        script=script,
        images=images or {},
        phase="RolledBack",
        outcomes=FAILED,
        quarantined=(NEW,),
    )


STORIES: Final = (
    Scenario(name="first-install", script=first_install),
    Scenario(name="good-release", script=good_release, ends_on=NEW, outcomes=PROMOTED),
    fails("bad-release", bad_release, {NEW: BAD}),
    fails("late-fault", late_fault, {NEW: LATE}),
    fails("fault-in-promotion", fault_in_promotion, {NEW: LATE}),
    fails("fault-in-guard", fault_in_guard, {NEW: LATE}),
    fails("crash-loop", bad_release, {NEW: Behaviour(crashes_after=15.0)}),
    fails("out-of-memory", bad_release, {NEW: Behaviour(out_of_memory_after=12.0)}),
    Scenario(
        name="never-ready",
        script=never_starts,
        images={NEW: Behaviour(becomes_ready=False)},
        phase="RolledBack",
        outcomes=((NEW, "Inconclusive"),),
    ),
    Scenario(
        name="image-pull-failure",
        script=never_starts,
        images={NEW: Behaviour(pulls=False)},
        phase="RolledBack",
        outcomes=((NEW, "Inconclusive"),),
    ),
    Scenario(
        name="newer-spec",
        script=newer_spec,
        ends_on=NEWER,
        outcomes=((NEW, "Superseded"), (NEWER, "Promoted")),
    ),
    Scenario(
        name="release-in-guard",
        script=release_in_guard,
        ends_on=NEWER,
        outcomes=((NEW, "Promoted"), (NEWER, "Promoted")),
    ),
    Scenario(name="revert", script=revert, outcomes=((NEW, "Superseded"),)),
    Scenario(name="delete-in-trial", script=delete_in_trial, ends_on=None, phase=""),
    Scenario(name="pause-resume", script=pause_and_resume, ends_on=NEW, outcomes=PROMOTED),
    Scenario(name="provider-outage", script=provider_outage, ends_on=NEW, outcomes=PROMOTED),
    Scenario(name="scale-in-trial", script=scale_in_trial, ends_on=NEW, outcomes=PROMOTED),
    Scenario(
        name="retry",
        script=retry,
        images={NEW: Behaviour(pulls=False)},
        ends_on=NEW,
        outcomes=((NEW, "Inconclusive"), (NEW, "Promoted")),
    ),
    Scenario(
        name="let-out",
        script=let_out,
        images={NEW: BAD},
        ends_on=NEW,
        outcomes=((NEW, "Failed"), (NEW, "Promoted")),
    ),
)
