"""A history seen as values over time, for the oracles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from spark_operator.api.base import PLURAL
from spark_operator.core.model.labels import RELEASE_LABEL
from tests.simulation.world import job_pods, pods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.core.model.objects import Manifest
    from tests.simulation.api.server import Change
    from tests.simulation.oracles.history import History, Span

SERVICE: Final = "spark"
EVERYBODY: Final = "*"
"""The route of a Service that selects every release's pods."""


@dataclass(slots=True)
class Moment:
    """The cluster after one change.

    Attributes:
        change: what has just changed.
        resource: the resource, empty where there is none.
        route: the release that the users' Service selects, ``EVERYBODY``, or empty for no Service.
        ready: pods that are ready and not on their way out, by release.
        living: pods that are not on their way out, by release.
    """

    change: Change
    at: float
    resource: Manifest = field(default_factory=dict)
    route: str = ""
    ready: dict[str, int] = field(default_factory=dict)
    living: dict[str, int] = field(default_factory=dict)

    @property
    def status(self) -> Manifest:
        """The resource's status, empty where there is none."""
        found: Manifest = self.resource.get("status") or {}
        return found

    @property
    def phase(self) -> str:
        """The resource's phase, empty where there is none."""
        return str(self.status.get("phase", ""))

    def release(self, role: str) -> str:
        """The release in a role, empty where there is none."""
        return str((self.status.get(role) or {}).get("release", ""))


def moments(history: History) -> Iterator[Moment]:
    """The cluster after every change of the resource, the users' Service, or a pod."""
    resource: Manifest = {}
    route = ""
    known: dict[str, tuple[str, bool, bool]] = {}
    for change in history.changes:
        match change.collection.plural:
            case name if name == PLURAL:
                resource = change.after or {}
            case "services" if change.name == SERVICE:
                route = _route(change.after)
            case "pods" if not job_pods.is_job(change.manifest):
                _count(known, change)
            case _:
                continue
        yield Moment(
            change,
            change.at,
            resource,
            route,
            _sums(known, ready=True),
            _sums(known, ready=False),
        )


def _route(service: Manifest | None) -> str:
    if service is None:
        return ""
    return str((service["spec"].get("selector") or {}).get(RELEASE_LABEL, EVERYBODY))


def _count(known: dict[str, tuple[str, bool, bool]], change: Change) -> None:
    uid = change.manifest["metadata"]["uid"]
    if change.after is None:
        known.pop(uid, None)
        return
    living = not pods.is_ending(change.after)
    known[uid] = (pods.release_of(change.after), living and pods.is_ready(change.after), living)


def _sums(known: dict[str, tuple[str, bool, bool]], *, ready: bool) -> dict[str, int]:
    sums: dict[str, int] = {}
    for release, is_ready, is_living in known.values():
        if is_ready if ready else is_living:
            sums[release] = sums.get(release, 0) + 1
    return sums


def decisions(history: History) -> Iterator[tuple[Change, Manifest, Manifest]]:
    """Every change of the resource's status: the change, the status before and after."""
    for change in history.changes:
        if change.collection.plural != PLURAL or change.after is None:
            continue
        before: dict[str, Any] = (change.before or {}).get("status") or {}
        after: dict[str, Any] = change.after.get("status") or {}
        if before != after:
            yield change, before, after


def available(history: History, since: float, until: float) -> float:
    """Seconds between two times in which a leader and the API server were there."""
    away = merged([*history.leaderless, *history.api_away])
    gone = sum(max(0.0, min(until, span[1]) - max(since, span[0])) for span in away)
    return max(0.0, until - since - gone)


def merged(spans: list[Span]) -> list[tuple[float, float]]:
    """The spans without overlaps, in the order of time."""
    result: list[tuple[float, float]] = []
    for since, until in sorted(spans):
        if result and since <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], until))
        else:
            result.append((since, until))
    return result
