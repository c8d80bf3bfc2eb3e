"""One history: a world, its users, operators that come and go, and what a person does."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.base import API_VERSION, KIND, PLURAL
from spark_operator.core.decide import judging
from spark_operator.ports.cluster import Key
from tests.simulation.api import merge, strategic
from tests.simulation.api.defaults import complete
from tests.simulation.api.errors import Refusal
from tests.simulation.api.paths import Collection
from tests.simulation.api.transport import Counter, Transport
from tests.simulation.faults import (
    NO_FAULT,
    PARTITION_SECONDS,
    TAKEOVER_SECONDS,
    TOUCH,
    MakeFaults,
    Plan,
    PlannedFaults,
    wall,
)
from tests.simulation.loop import DeadlockError, virtual_loop
from tests.simulation.oracles.history import History, Judged, Span
from tests.simulation.process import ACTOR, Process
from tests.simulation.world import job_pods
from tests.simulation.world.alertmanager import Alertmanager
from tests.simulation.world.metrics import SimulatedMetrics
from tests.simulation.world.watch import Watches
from tests.simulation.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spark_operator.core.model.objects import Manifest
    from spark_operator.core.observe.values import Alert
    from tests.simulation.api.transport import Call
    from tests.simulation.stories.scenarios import Scenario
    from tests.simulation.world.behaviour import Behaviour

KEY: Final = Key("production", "spark")
RESOURCES: Final = Collection(API_VERSION, PLURAL, KEY.namespace)
QUIET_SECONDS: Final = 20.0
RESYNC_SECONDS: Final = 330.0
RESYNCS_SECONDS: Final = 3 * RESYNC_SECONDS
LONGEST_SECONDS: Final = 2700.0
MOST_CHANGES: Final = 5000
RESTING: Final = frozenset({"Stable", "RolledBack", ""})


class StuckError(Exception):
    """What a scenario waited for did not happen."""


class Simulation:
    """Runs one scenario under one plan of faults; the same seed gives the same history."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        seed: int,
        history: History,
        faults: MakeFaults = PlannedFaults,
    ) -> None:
        self.loop = loop
        self.world = world = World(loop, seed, KEY.name)
        self.history = history
        self._counter = Counter()
        self._changed = asyncio.Event()
        self._processes: list[Process] = []
        self._down_since: float | None = None
        self._leaders = plan.leaders
        self._quiet = RESYNC_SECONDS if plan.watch in ("lossy", "silent") else QUIET_SECONDS
        self._troubled_until = max(
            (outage.since + outage.seconds for outage in plan.outages), default=0.0
        )
        """When the last fault that takes time is over, seconds of the loop's clock."""
        self._faults = faults(plan, self, world.rng, loop)
        self._metrics = SimulatedMetrics(world.clock, world.kubelet, world.users, plan.disturbances)
        world.server.listeners.append(self._record)
        Watches(world.server, world.later, world.rng, self._processes, plan.watch)
        history.routed = world.proxy.routed
        history.served = world.users.served
        history.runs = world.database.runs
        self._alertmanager = Alertmanager(self._processes, world.clock, world.rng)
        history.pushed = self._alertmanager.pushed

    def _record(self, change: Any) -> None:
        self.history.changes.append(change)
        is_job = change.collection.plural == "pods" and job_pods.is_job(change.manifest)
        if is_job or change.collection == RESOURCES:
            self._changed.set()

    # --- operators ---

    def spawn(self) -> None:
        """Start an operator; its first look at the world wakes every resource."""
        name = f"operator-{len(self._processes) + 1}"
        world = self.world
        transport = Transport(
            world.server, name, self._counter, self._faults, lambda: world.rng.uniform(0.001, 0.02)
        )
        process = Process(name, transport, self._metrics, world.clock)
        self._processes.append(process)
        if self._down_since is not None:
            self.history.leaderless.append(Span(self._down_since, world.clock.now()))
            self._down_since = None
        for resource in world.server.all(RESOURCES):
            world.later(0.05, lambda name=resource: process.wake(KEY._replace(name=name)))  # type: ignore[misc]

    def kill(self, actor: str, down: float) -> None:
        """See ``faults.Host``."""
        process = self._named(actor)
        if not process.alive:
            return
        process.kill()
        self.history.deaths.append((self.world.clock.now(), actor))
        alive = sum(other.alive for other in self._processes)
        if not alive:
            self._down_since = self.world.clock.now()
        if alive < self._leaders:
            self.world.later(down, self.spawn)

    def partition(self, actor: str) -> None:
        """See ``faults.Host``."""
        gate = asyncio.Event()
        self._troubled_until = self.loop.time() + PARTITION_SECONDS + 1.0
        process = self._named(actor)
        process.close_gate(gate)
        self._down_since = self.world.clock.now()
        self.world.later(TAKEOVER_SECONDS, self.spawn)
        self.world.later(PARTITION_SECONDS, gate.set)
        # It finds its lease lost at the next renewal.
        self.world.later(PARTITION_SECONDS + 0.5, process.kill)

    def touch(self, call: Call) -> None:
        """See ``faults.Host``."""
        del call
        live = self.world.server.all(RESOURCES).get(KEY.name)
        if live is None:
            return
        known = (live["metadata"].get("annotations") or {}).get("example.com/touched", "0")
        patch = {"metadata": {"annotations": {"example.com/touched": str(int(known) + 1)}}}
        self.world.server.replace("somebody", RESOURCES, merge.merge_patch(live, TOUCH | patch))

    def commit_late(self, call: Call, delay: float) -> None:
        """See ``faults.Host``."""
        process = self._named(call.actor)
        sent = process.sent.get(call.path)
        if sent is None:
            return

        def arrive() -> None:
            body, content_type = sent
            try:
                self.world.server.handle(call.actor, call.method, call.path, body, content_type)
            except Refusal:
                return

        self.world.later(max(0.0, delay), arrive)

    def _named(self, actor: str) -> Process:
        return next(process for process in self._processes if process.name == actor)

    # --- what a person does and sees ---

    @property
    def resource(self) -> Manifest:
        """The resource as it is stored, empty where there is none."""
        return self.world.server.all(RESOURCES).get(KEY.name) or {}

    @property
    def status(self) -> Manifest:
        """Its status, empty where there is none."""
        found: Manifest = self.resource.get("status") or {}
        return found

    @property
    def phase(self) -> str:
        """Its phase, empty where there is none."""
        return str(self.status.get("phase", ""))

    def create(self, spec: Manifest) -> None:
        """Make the resource."""
        meta = {"name": KEY.name, "namespace": KEY.namespace}
        manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, "spec": spec}
        self.world.server.create("user", RESOURCES, json.loads(json.dumps(manifest)))

    def edit(self, **spec: Any) -> None:
        """Change members of its spec."""
        live = self.resource
        changed = live | {"spec": merge.merge_patch(live["spec"], spec)}
        self.world.server.replace("user", RESOURCES, changed)

    def ask(self, request: str, token: str) -> None:
        """Annotate it with a request."""
        patch = {"metadata": {"annotations": {f"spark.dev/{request}": token}}}
        self.world.server.replace("user", RESOURCES, merge.merge_patch(self.resource, patch))

    def delete(self) -> None:
        """Delete it."""
        self.world.server.end("user", RESOURCES, KEY.name)

    def tamper(self, plural: str, name: str, change: Manifest | None) -> None:
        """Change a child by a strategic merge patch as somebody else, or delete it."""
        server = self.world.server
        where = next(found for found in server.objects if found.plural == plural)
        name = name or next(iter(server.all(where)))
        if name not in server.all(where):
            return
        if change is None:
            server.end("somebody", where, name)
            return
        changed = complete(strategic.patched(server.all(where)[name], change))
        server.replace("somebody", where, changed)

    def push(self, alert: Alert) -> None:
        """Send an alert about the resource."""
        self._alertmanager.push(KEY, alert)

    def is_running(self, kind: str) -> bool:
        """Whether a Job's command of this kind runs."""
        return any(run.kind == kind and run.ended is None for run in self.history.runs)

    def take_pod(self, kind: str) -> None:
        """Take away the pod of a running Job, as a node that is drained does."""
        where = Collection("v1", "pods", KEY.namespace)
        for name, pod in list(self.world.server.all(where).items()):
            if job_pods.is_job(pod) and job_pods.kind_of(pod) == kind:
                self.world.server.end("somebody", where, name)

    def evict(self, image: str) -> None:
        """Take away all pods that run an image, as nodes that are drained do."""
        where = Collection("v1", "pods", KEY.namespace)
        for name, pod in list(self.world.server.all(where).items()):
            if job_pods.is_job(pod) or pod["spec"]["containers"][0]["image"] != image:
                continue
            why = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
            status = pod["status"] | {"conditions": [*pod["status"]["conditions"], why]}
            self.world.server.replace("somebody", where, pod | {"status": status})
            self.world.server.end("somebody", where, name)

    def behaves(self, image: str, behaviour: Behaviour) -> None:
        """Say how an image behaves."""
        self.world.kubelet.images[image] = behaviour

    async def until(
        self, condition: Callable[[], bool], what: str, seconds: float | None = None
    ) -> None:
        """Wait until something holds of the resource or of its Jobs.

        Raises:
            StuckError: it does not within ``seconds``, by default ``LONGEST_SECONDS``.
        """
        try:
            async with asyncio.timeout(LONGEST_SECONDS if seconds is None else seconds):
                while not condition():
                    if len(self.history.changes) > MOST_CHANGES:
                        raise StuckError(f"waited for {what}; the operator writes without end")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise StuckError(f"waited for {what}; phase {self.phase}") from None

    # --- the whole history ---

    async def play(self, scenario: Scenario) -> None:
        """Carry out a scenario, then see that nothing happens any more."""
        history, world = self.history, self.world
        for image, behaviour in scenario.images.items():
            self.behaves(image, behaviour)
        for _ in range(self._leaders):
            self.spawn()
        try:
            await scenario.script(self)
            await self._rest()
        except StuckError as error:
            history.stuck = str(error)
            for process in self._processes:
                process.kill()
        history.settled_at, before = world.clock.now(), self._counter.writes
        await asyncio.sleep(RESYNCS_SECONDS)
        world.users.advance()
        history.ended_at = world.clock.now()
        history.writes = self._counter.writes
        history.writes_when_quiet = history.writes - before
        history.requests = [f"{call.method} {call.path}" for call in self._counter.log]
        history.sent = [call.at for call in self._counter.log]

    async def _rest(self) -> None:
        """Wait until the resource rests and no operator has written for a while."""
        await self.until(lambda: self.phase in RESTING, "a phase to rest in")
        deadline = self.loop.time() + LONGEST_SECONDS
        last, since = self._counter.writes, self.loop.time()
        while (
            self.loop.time() - max(since, self._troubled_until) < self._quiet
            or self.phase not in RESTING
        ):
            await asyncio.sleep(1.0)
            if self._counter.writes != last:
                last, since = self._counter.writes, self.loop.time()
            if self.loop.time() > deadline or len(self.history.changes) > MOST_CHANGES:
                raise StuckError("waited for the operator to rest; it goes on writing")


class _Collected(logging.Handler):
    """Keeps what the operator logs as an error: a reconcile that failed in no known way."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        trouble = record.exc_info[1] if record.exc_info else None
        self._errors.append(f"{record.getMessage()}: {trouble!r}")


@contextmanager
def _recorded(history: History, now: Callable[[], float]) -> Iterator[None]:
    """Record every verdict and every error while a history runs."""
    consult = judging.consult_judge

    def recording(draft: Any) -> None:
        consult(draft)
        if draft.verdict is not None:
            said = draft.verdict
            history.verdicts.append(Judged(now(), str(said.kind), str(said.reason), ACTOR.get()))

    logger, handler = logging.getLogger("spark_operator"), _Collected(history.errors)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    judging.consult_judge = recording
    try:
        yield
    finally:
        judging.consult_judge = consult
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking a growing history that all has to be kept."""
    gc.collect(1)
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def run(
    scenario: Scenario,
    plan: Plan = NO_FAULT,
    seed: int = 1,
    faults: MakeFaults = PlannedFaults,
) -> History:
    """One history, from nothing to rest."""
    history = History()
    history.api_away = [
        Span(wall(outage.since), wall(outage.since + outage.seconds)) for outage in plan.outages
    ]
    history.disturbed = [Span(item.since, item.until) for item in plan.disturbances]
    with _uncollected(), virtual_loop() as loop:
        simulation = Simulation(loop, plan, seed, history, faults)
        with _recorded(history, simulation.world.clock.now):
            try:
                loop.run_until_complete(simulation.play(scenario))
            except DeadlockError as error:
                history.stuck = str(error)
    return history
