"""Everything around the operator, wired together on one virtual clock and one seed."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tests.simulation.api.garbage import GarbageCollector
from tests.simulation.api.server import ApiServer
from tests.simulation.loop import VirtualClock
from tests.simulation.world.database import Database
from tests.simulation.world.deployments import DeploymentController
from tests.simulation.world.jobs import JobController
from tests.simulation.world.kubelet import Kubelet
from tests.simulation.world.network import KubeProxy
from tests.simulation.world.runner import Runner
from tests.simulation.world.users import Users

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from tests.simulation.world.behaviour import Behaviour
    from tests.simulation.world.kubelet import Container


class World:
    """A cluster with one Service and its users."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int, service: str) -> None:
        self._loop = loop
        self.rng = rng = Random(seed)  # noqa: S311 - a seed replays the history
        self.clock = clock = VirtualClock(loop)
        self.server = server = ApiServer(clock.now)
        self.users = Users(clock.now, Random(seed + 1), self._behaviour)  # noqa: S311
        self.kubelet = Kubelet(
            server, self.later, lambda: rng.uniform(2.0, 6.0), self.users.advance
        )
        self.controller = DeploymentController(server, self.later, lambda: rng.uniform(0.02, 0.1))
        self.database = Database()
        self.runner = Runner(
            server, self.kubelet, self.database, self.later, lambda: rng.uniform(1.0, 3.0)
        )
        self.jobs = JobController(server, self.later, lambda: rng.uniform(0.02, 0.1))
        self.proxy = KubeProxy(
            server, self.kubelet, self.users, self.later, lambda: rng.uniform(0.05, 1.0), service
        )
        self.garbage = GarbageCollector(server, self.later, 0.5)

    def _behaviour(self, image: str) -> Behaviour:
        return self.kubelet.behaviour(image)

    def later(self, delay: float, step: Callable[[], None]) -> None:
        """Carry out a step after some seconds."""
        self._loop.call_later(delay, step)

    def break_late(self) -> None:
        """From now on releases with a late fault show it."""
        self.users.advance()
        self.users.late = True

    def mend(self) -> None:
        """From now on they show it no more."""
        self.users.advance()
        self.users.late = False

    def break_provider(self, error_rate: float) -> None:
        """From now on this share of all requests fails by the provider's fault."""
        self.users.advance()
        self.users.provider_error_rate = error_rate

    def containers(self, release: str) -> list[Container]:
        """A release's containers that serve."""
        found = self.kubelet.containers.values()
        return [item for item in found if item.release == release and item.serves]
