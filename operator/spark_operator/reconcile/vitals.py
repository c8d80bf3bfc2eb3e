"""A look at some pods every half minute, for the diagnosis: never in the way of a cut."""

from __future__ import annotations

import math
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final

from spark_operator.core.observe.vitals import Checked, Round, keep
from spark_operator.ports.metrics import Target

if TYPE_CHECKING:
    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.observe.observations import Observations
    from spark_operator.core.observe.values import Pod
    from spark_operator.ports.clock import Clock
    from spark_operator.ports.cluster import Key
    from spark_operator.ports.metrics import Vitals

EVERY_SECONDS: Final = 30.0
MOST_PODS: Final = 8
"""Pods that are looked at, of all releases together."""
MOST_PER_SECOND: Final = 3.0
"""Resources at rest that are looked at in a second: of very many, each more rarely."""


class Examiner:
    """The last rounds of every resource; all of it may be lost."""

    def __init__(self, vitals: Vitals | None, clock: Clock) -> None:
        """``vitals`` None: nothing is looked at."""
        self._vitals = vitals
        self._clock = clock
        self._rounds: dict[Key, tuple[Round, ...]] = {}
        self._due: dict[Key, float] = {}
        self._last = -math.inf

    async def rounds(
        self, key: Key, resource: SparkDeployment, seen: Observations, *, is_watched: bool = False
    ) -> tuple[Round, ...]:
        """Return the rounds so far, with a new one when it is time; bounded in time as the port is.

        Args:
            key: the resource's.
            resource: itself.
            seen: its pods.
            is_watched: whether it has a release on trial, so that it may not wait for others.
        """
        known = self._rounds.get(key, ())
        pods = _pods(resource, seen)
        if self._vitals is None or not pods:
            self.forget(key)
            return ()
        now = self._clock.now()
        due = self._due[key] if key in self._due else self._reserve(key, now)
        if is_watched:
            due = min(due, known[-1].at + EVERY_SECONDS if known else now)
        if due > now:
            return known
        ports = {name: release.pod.port for name, release in seen.revisions.items()}
        targets = tuple(
            Target(pod.uid, pod.ip, ports.get(pod.release, resource.spec.pod.port))
            for pod in pods
            if pod.ip
        )
        told = await self._vitals.examine(targets)
        at = self._clock.now()
        newest = Round(at, tuple(Checked(pod, told.get(pod.uid)) for pod in pods))
        self._rounds[key] = keep(known, newest)
        self._reserve(key, at + EVERY_SECONDS)
        return self._rounds[key]

    def wakes(self, key: Key) -> float:
        """When to look again at a resource that is looked at; infinite: it is not."""
        return self._due.get(key, math.inf)

    def forget(self, key: Key) -> None:
        """Forget a resource that is gone."""
        self._rounds.pop(key, None)
        self._due.pop(key, None)

    def _reserve(self, key: Key, earliest: float) -> float:
        """Take the next free time: what is looked at comes one after another, never at once."""
        at = max(earliest, self._last + 1.0 / MOST_PER_SECOND)
        self._due[key] = self._last = at
        return at


def _pods(resource: SparkDeployment, seen: Observations) -> tuple[Pod, ...]:
    """Return some live pods of the releases in use, as many of each."""
    status = resource.status
    roles = [role for role in (status.stable, status.candidate) if role]
    each = zip_longest(*(seen.workload(role.release).live for role in roles))
    return tuple(pod for pod in chain.from_iterable(each) if pod is not None)[:MOST_PODS]
