"""The service's users: a steady rate of requests, split evenly over what kube-proxy routes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.simulation.world.behaviour import BUCKETS, Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.simulation.world.kubelet import Container

FAST_SECONDS: Final = 0.2
SLOW_SECONDS: Final = 12.0
RATE: Final = 60.0
"""Requests per second of all users."""


class Served(NamedTuple):
    """What one release's pods answered between two times; ``lost``: nobody accepted."""

    since: float
    until: float
    release: str
    requests: int
    errors: int
    lost: int


@dataclass(slots=True)
class Counted:
    """One process' own counters."""

    requests: int = 0
    failures_app: int = 0
    failures_provider: int = 0
    slow: int = 0

    def buckets(self) -> tuple[tuple[float, float], ...]:
        """Cumulative latency histogram."""
        fast = self.requests - self.slow
        bounds = (*BUCKETS, float("inf"))
        return tuple(
            (bound, float((bound >= FAST_SECONDS) * fast + (bound >= SLOW_SECONDS) * self.slow))
            for bound in bounds
        )


@dataclass(slots=True)
class Users:
    """Requests per second, until told otherwise; ``advance`` before anything else changes."""

    now: Callable[[], float]
    rng: Random
    behaviour: Callable[[str], Behaviour]
    rate: float = RATE
    provider_error_rate: float = 0.0
    late: bool = False
    endpoints: tuple[Container, ...] = ()
    served: list[Served] = field(default_factory=list)
    _counted: dict[tuple[str, int], Counted] = field(default_factory=dict)
    _carry: dict[str, float] = field(default_factory=dict)
    _until: float | None = None

    def counted(self, container: Container) -> Counted:
        """The counters of the process that the container runs now."""
        return self._counted.setdefault((container.uid, container.run), Counted())

    def advance(self) -> None:
        """Let the users' requests up to now happen."""
        now = self.now()
        since = now if self._until is None else self._until
        self._until = now
        if now <= since:
            return
        if not self.endpoints:
            self.served.append(Served(since, now, "", 0, 0, int(self.rate * (now - since))))
            return
        each = self.rate * (now - since) / len(self.endpoints)
        sums: dict[str, list[int]] = {}
        for container in self.endpoints:
            exact = self._carry.get(container.uid, 0.0) + each
            requests = int(exact)
            self._carry[container.uid] = exact - requests
            total = sums.setdefault(container.release, [0, 0, 0])
            if container.serves:
                total[0] += requests
                total[1] += self._answer(container, requests)
            else:
                total[2] += requests
        self.served += [Served(since, now, name, *total) for name, total in sums.items()]

    def _answer(self, container: Container, requests: int) -> int:
        """Count requests in the process that answers them; how many it answered 5xx."""
        behaviour, counted = self.behaviour(container.image), self.counted(container)
        app_rate = behaviour.error_rate
        if self.late and behaviour.late_error_rate is not None:
            app_rate = behaviour.late_error_rate
        provider = self._some(requests, self.provider_error_rate)
        app = self._some(requests - provider, app_rate)
        counted.requests += requests
        counted.failures_app += app
        counted.failures_provider += provider
        counted.slow += self._some(requests, behaviour.slow)
        return app + provider

    def _some(self, requests: int, rate: float) -> int:
        if rate <= 0.0:
            return 0
        return sum(self.rng.random() < rate for _ in range(requests))
