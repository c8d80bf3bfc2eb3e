"""Plans of faults, and what carries them out on the operators' requests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from tests.simulation.api.errors import Refusal
from tests.simulation.loop import EPOCH

if TYPE_CHECKING:
    from random import Random

    from tests.simulation.api.transport import Call
    from tests.simulation.world.metrics import Disturbance
    from tests.simulation.world.watch import Mode

When = Literal["before", "during", "after"]
"""Before the write arrives; when it is committed and not answered; when it is answered."""
WHENS: Final[tuple[When, ...]] = ("before", "during", "after")
OutageKind = Literal["hang", "refuse", "500", "429"]
PARTITION_SECONDS: Final = 90.0
TAKEOVER_SECONDS: Final = 10.0
TOUCH: Final = {"metadata": {"annotations": {"example.com/touched": "0"}}}


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL at a write, counted from 1 over all processes; started again ``down`` s later."""

    write: int
    when: When
    down: float = 1.0


@dataclass(frozen=True, slots=True)
class Outage:
    """The API server does not do its work; times are seconds since the history's beginning.

    ``hang``: no answer, and what was sent arrives at the end, whether or not anybody still waits.
    """

    kind: OutageKind
    since: float
    seconds: float


@dataclass(frozen=True, slots=True)
class ErrorAt:
    """One write is answered by an error, although it may have been committed."""

    write: int
    code: int
    committed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that goes wrong in one history.

    Attributes:
        name: for reports; a plan is replayed from its fields and the seed.
        touched: status writes just before which somebody else changes the resource.
        partition: write after which the process stands still for 90 s while another takes over.
        disturbances: what is wrong with the metrics.
        leaders: operators that all decide at the same time, with no Lease between them.
    """

    name: str = "no fault"
    kills: tuple[Kill, ...] = ()
    outages: tuple[Outage, ...] = ()
    errors: tuple[ErrorAt, ...] = ()
    touched: frozenset[int] = frozenset()
    partition: int = 0
    watch: Mode = "normal"
    disturbances: tuple[Disturbance, ...] = ()
    leaders: int = 1


NO_FAULT: Final = Plan()


class MakeFaults(Protocol):
    """Makes what carries out a plan; ``PlannedFaults`` is one."""

    def __call__(
        self, plan: Plan, host: Host, rng: Random, loop: asyncio.AbstractEventLoop
    ) -> PlannedFaults:
        """For one simulation."""


class Host(Protocol):
    """What faults do to processes and to the world."""

    def kill(self, actor: str, down: float) -> None:
        """End a process now and start another after ``down`` seconds."""

    def partition(self, actor: str) -> None:
        """Stop a process at its next request, and let another take over."""

    def touch(self, call: Call) -> None:
        """Change the resource that a request is about, as somebody else."""

    def commit_late(self, call: Call, delay: float) -> None:
        """Carry out a request that its sender gave up, after some seconds."""


class PlannedFaults:
    """Carries out one plan; see ``api.transport.Faults``."""

    def __init__(
        self, plan: Plan, host: Host, rng: Random, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._host = host
        self._rng = rng
        self._loop = loop
        self.follow(plan)

    def follow(self, plan: Plan) -> None:
        """Carry out this plan from now on."""
        self._plan = plan
        self._kills = {kill.write: kill for kill in plan.kills}
        self._errors = {error.write: error for error in plan.errors}

    async def before(self, call: Call) -> None:
        """See ``Faults.before``."""
        await self._outage(call)
        if not call.write:
            return
        self._kill(call, "before")
        if call.write in self._plan.touched and call.path.partition("?")[0].endswith("/status"):
            self._host.touch(call)
        error = self._errors.get(call.write)
        if error and not error.committed:
            raise _refusal(error.code)

    async def after(self, call: Call) -> None:
        """See ``Faults.after``."""
        if not call.write:
            return
        self._kill(call, "during")
        kill = self._kills.get(call.write)
        if kill and kill.when == "after":
            self._loop.call_soon(self._host.kill, call.actor, kill.down)
        if call.write == self._plan.partition:
            self._host.partition(call.actor)
        error = self._errors.get(call.write)
        if error and error.committed:
            raise _refusal(error.code)

    def _kill(self, call: Call, when: When) -> None:
        kill = self._kills.get(call.write)
        if kill and kill.when == when:
            self._host.kill(call.actor, kill.down)

    async def _outage(self, call: Call) -> None:
        now = self._loop.time()
        for outage in self._plan.outages:
            end = outage.since + outage.seconds
            if not outage.since <= now < end:
                continue
            if outage.kind == "hang":
                await self._hang(call, end - now)
            elif outage.kind == "refuse":
                raise ConnectionRefusedError("connection refused")
            elif self._rng.random() < 0.9:
                raise _refusal(int(outage.kind))

    async def _hang(self, call: Call, seconds: float) -> None:
        began = self._loop.time()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if call.write and self._rng.random() < 0.5:
                self._host.commit_late(call, began + seconds - self._loop.time())
            raise


def _refusal(code: int) -> Refusal:
    reasons = {429: "TooManyRequests", 409: "Conflict", 403: "Forbidden"}
    return Refusal(code, reasons.get(code, "InternalError"), f"planned: {code}")


def wall(seconds: float) -> float:
    """Seconds since the history's beginning as seconds since the epoch."""
    return EPOCH + seconds
