"""The ``Metrics`` port on simulated pods, with everything that can be wrong with a scrape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING, Literal

from spark_operator.core.judge import Counters
from spark_operator.ports.metrics import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spark_operator.ports.clock import Clock
    from spark_operator.ports.metrics import Target
    from tests.simulation.world.kubelet import Container, Kubelet
    from tests.simulation.world.users import Users

LATE_SECONDS = 15.0
Kind = Literal["missed", "frozen", "nan", "late"]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What is wrong with readings from ``since`` to ``until``, seconds since the epoch.

    ``missed``: no answer.  ``frozen``: the same numbers again and again.  ``nan``: no numbers.
    ``late``: a reading that is 15 s old.
    """

    kind: Kind
    since: float
    until: float


class SimulatedMetrics:
    """Reads the processes' counters directly."""

    def __init__(
        self,
        clock: Clock,
        kubelet: Kubelet,
        users: Users,
        disturbances: Sequence[Disturbance] = (),
    ) -> None:
        self._clock = clock
        self._kubelet = kubelet
        self._users = users
        self._disturbances = disturbances
        self._frozen: dict[str, Counters] = {}

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """See ``Metrics.read``."""
        self._users.advance()
        now = self._clock.now()
        wrong = next((it.kind for it in self._disturbances if it.since <= now < it.until), "")
        return {target.uid: self._reading(target, now, wrong) for target in targets}

    def _reading(self, target: Target, now: float, wrong: str) -> Reading:
        container = self._kubelet.containers[target.uid]
        if wrong == "missed" or not container.serves:
            return Reading(now, None)
        values = self._values(container)
        if wrong == "frozen":
            values = self._frozen.setdefault(target.uid, values)
        elif wrong == "nan":
            values = replace(values, requests=nan, failures_app=nan, failures_provider=nan)
        return Reading(now - LATE_SECONDS if wrong == "late" else now, values)

    def _values(self, container: Container) -> Counters:
        counted = self._users.counted(container)
        is_open = self._kubelet.behaviour(container.image).breaker_open
        return Counters(
            requests=float(counted.requests),
            failures_app=float(counted.failures_app),
            failures_provider=float(counted.failures_provider),
            client_errors=0.0,
            latency_buckets=counted.buckets(),
            cache_hits=float(counted.requests * 6 // 10),
            cache_misses=float(counted.requests - counted.requests * 6 // 10),
            breakers=(("claude", "open" if is_open else "closed"),),
            inflight=1.0,
        )
