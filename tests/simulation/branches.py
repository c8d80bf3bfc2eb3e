"""Many histories for the price of their ends: a process is forked at the first fault of each plan.

Up to its first fault a plan's history is the one without faults, which is run once.  At a write
with which plans begin, a child for each of them goes on from there, and tells through a pipe.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NoReturn

from tests.simulation.faults import NO_FAULT, Plan, PlannedFaults
from tests.simulation.simulation import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from tests.simulation.api.transport import Call
    from tests.simulation.faults import Host
    from tests.simulation.oracles.history import History
    from tests.simulation.stories.scenarios import Scenario


class BranchError(Exception):
    """A child ended without a word: run its plan on its own to see why."""


def first_write(plan: Plan) -> int:
    """Number of the write with which a plan begins; 0 where it begins otherwise."""
    timed = plan.outages or plan.disturbances or plan.leaders > 1 or plan.watch != "normal"
    writes = [*(it.write for it in plan.kills), *(it.write for it in plan.errors), *plan.touched]
    writes += [plan.partition] if plan.partition else []
    return 0 if timed else min(writes, default=0)


class Branches:
    """Forks a child for each of these plans, and keeps what they say."""

    def __init__(self, plans: Iterable[Plan]) -> None:
        """Take plans of which every one begins with a write."""
        self.said: dict[Plan, bytes] = {}
        self.plan = NO_FAULT
        """A child's own."""
        self._outlet: int | None = None
        self._waiting: dict[int, list[Plan]] = {}
        for plan in plans:
            self._waiting.setdefault(first_write(plan), []).append(plan)

    def faults(
        self, plan: Plan, host: Host, rng: Random, loop: asyncio.AbstractEventLoop
    ) -> PlannedFaults:
        """Make the faults of a simulation that branches."""
        return _BranchingFaults(self, plan, host, rng, loop)

    def fork(self, write: int) -> Plan | None:
        """Go on as a child with the plan that is returned, or as the parent, with none."""
        for plan in self._waiting.pop(write, ()) if self._outlet is None else ():
            inlet, outlet = os.pipe()
            if os.fork() == 0:
                os.close(inlet)
                self._outlet, self.plan = outlet, plan
                return plan
            os.close(outlet)
            with os.fdopen(inlet, "rb") as pipe:
                self.said[plan] = pipe.read()
            os.wait()
        return None

    @property
    def is_child(self) -> bool:
        """Whether this process is one of the branches."""
        return self._outlet is not None

    def end(self, said: bytes) -> NoReturn:
        """Say what came of a child's plan, and be no more."""
        with os.fdopen(self._outlet or -1, "wb") as pipe:
            pipe.write(said)
        os._exit(0)


class _BranchingFaults(PlannedFaults):
    def __init__(
        self,
        branches: Branches,
        plan: Plan,
        host: Host,
        rng: Random,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(plan, host, rng, loop)
        self._branches = branches

    async def before(self, call: Call) -> None:
        if call.write and (plan := self._branches.fork(call.write)):
            # asyncio takes no loop for running in a process that it was not started in
            asyncio._set_running_loop(self._loop)
            self.follow(plan)
        await super().before(call)


def told(
    scenario: Scenario, plans: Iterable[Plan], seed: int, tell: Callable[[Plan, History], bytes]
) -> dict[Plan, bytes]:
    """What ``tell`` says of the history of every plan, each of which must begin with a write.

    Raises:
        BranchError: it raised, its process died, or the history has no such write.
    """
    wanted = list(plans)
    branches = Branches(wanted)
    try:
        history = run(scenario, seed=seed, faults=branches.faults)
        if branches.is_child:
            branches.end(tell(branches.plan, history))
    finally:
        if branches.is_child:
            os._exit(1)
    for plan in wanted:
        if not branches.said.get(plan):
            raise BranchError(f"{scenario.name}, {plan.name}: its process said nothing")
    return branches.said
