"""What pods say of themselves for a diagnosis, and what became more of it over a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from spark_operator.core.observe.values import Pod

MAX_ROUNDS: Final = 4
LONGEST_SECONDS: Final = 150.0
"""Rounds further apart than this are not compared."""


class Measure(NamedTuple):
    """One sample of a pod's metrics page, as ``docs/app.md`` names it."""

    name: str
    labels: Mapping[str, str]
    value: float


class Checked(NamedTuple):
    """A pod and what it told; None: it told nothing."""

    pod: Pod
    vitals: tuple[Measure, ...] | None


class Round(NamedTuple):
    """One look at some of the pods of one resource; ``at`` is seconds since the epoch."""

    at: float
    pods: tuple[Checked, ...]


def keep(rounds: Sequence[Round], newest: Round) -> tuple[Round, ...]:
    """The rounds that are worth comparing, with one more, oldest first."""
    recent = [item for item in rounds if newest.at - item.at <= LONGEST_SECONDS]
    return (*recent[1 - MAX_ROUNDS :], newest)


class Trend:
    """The newest round beside the oldest one that is kept."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        """``rounds``: at least two, oldest first."""
        self._old = {item.pod.uid: item for item in rounds[0].pods}
        self.pods = rounds[-1].pods
        self.seconds = rounds[-1].at - rounds[0].at

    def was_there(self, uid: str) -> Checked | None:
        """The pod as it was in the oldest round."""
        return self._old.get(uid)

    def gained(self, *names: str, by: str = "", **where: str) -> dict[str, float]:
        """Increase of counters over the pods, by the value of one label.

        A pod that was not there before, or whose counter fell, counts from zero.
        """
        sums: dict[str, float] = {}
        for pod in self.pods:
            old = self._old.get(pod.pod.uid)
            before = {
                (item.name, *sorted(item.labels.items())): item.value
                for item in _matching(old.vitals or () if old else (), names, where)
            }
            for item in _matching(pod.vitals or (), names, where):
                last = before.get((item.name, *sorted(item.labels.items())), 0.0)
                more = item.value - last if item.value >= last else item.value
                key = item.labels.get(by, "")
                sums[key] = sums.get(key, 0.0) + more
        return sums

    def gain(self, *names: str, **where: str) -> float:
        """The same over all labels."""
        return sum(self.gained(*names, **where).values())

    def now(self, name: str, by: str = "", **where: str) -> dict[str, list[float]]:
        """Values of a gauge on each pod, by the value of one label."""
        found: dict[str, list[float]] = {}
        for pod in self.pods:
            for item in _matching(pod.vitals or (), (name,), where):
                found.setdefault(item.labels.get(by, ""), []).append(item.value)
        return found


def _matching(
    vitals: Iterable[Measure], names: Sequence[str], where: Mapping[str, str]
) -> Iterator[Measure]:
    for item in vitals:
        if item.name in names and all(item.labels.get(k) == v for k, v in where.items()):
            yield item
