"""Where metrics come from."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.api.analysis import PrometheusSource
    from spark_operator.core.judge import Counters, QueryValue
    from spark_operator.core.observe.vitals import Measure
    from spark_operator.ports.cluster import Key


class Target(NamedTuple):
    """Where one pod's metrics are read."""

    uid: str
    ip: str
    port: int


class Reading(NamedTuple):
    """One pod's counters and when they were read, seconds since the epoch; None: missed."""

    at: float
    counters: Counters | None
    known: bool = True
    """Whether the source has ever had this pod: one it has yet to find is not lost."""
    asked: bool = True
    """Whether the pod was asked in time: where it was not, its silence says nothing about it."""


class RenderedQuery(NamedTuple):
    """A user's query, rendered for the candidate and, where they are compared, for stable."""

    name: str
    candidate: str
    stable: str = ""


class PrometheusQuery(NamedTuple):
    """What a Prometheus is asked about one resource at one time."""

    key: Key
    source: PrometheusSource
    pods: Mapping[str, str]
    """UIDs by the pods' names."""
    questions: tuple[RenderedQuery, ...] = ()


class PrometheusResult(NamedTuple):
    """What it answered, as far as it did: readings by UID, and the queries' values."""

    readings: Mapping[str, Reading] = MappingProxyType({})
    values: tuple[QueryValue, ...] = ()


class Metrics(Protocol):
    """A reader of pods' metrics."""

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """Return one reading for each target by UID, all within a bounded time."""


class Vitals(Protocol):
    """A reader of what pods say of themselves beside what the judge counts."""

    async def examine(self, targets: tuple[Target, ...]) -> dict[str, tuple[Measure, ...] | None]:
        """Return what each target told, by UID; None where it told nothing; in a bounded time."""


class Series(Protocol):
    """A client of the Prometheus that a resource names."""

    async def read(self, ask: PrometheusQuery) -> PrometheusResult:
        """Return what is known by now, within a bounded time whatever the Prometheus does."""

    def forget(self, key: Key) -> None:
        """Stop asking for a resource that is not watched any more."""
