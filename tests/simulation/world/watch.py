"""Watches: wake-ups that come late, twice, out of order, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from spark_operator.adapters.kubernetes.child_watch import WATCHED
from spark_operator.api.base import API_VERSION, PLURAL
from spark_operator.core.model.labels import OWNER_LABEL
from spark_operator.ports.cluster import Key

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.simulation.api.server import ApiServer, Change
    from tests.simulation.process import Process

Mode = Literal["normal", "slow", "lossy", "doubled", "silent"]
KINDS = frozenset(WATCHED)


class Watches:
    """Delivers changes to every process, as wake-ups of the resource they are about."""

    def __init__(
        self,
        server: ApiServer,
        later: Callable[[float, Callable[[], None]], None],
        rng: Random,
        processes: list[Process],
        mode: Mode,
    ) -> None:
        self._later = later
        self._rng = rng
        self._processes = processes
        self._mode = mode
        server.listeners.append(self._see)

    def _see(self, change: Change) -> None:
        key = _key(change)
        if key is None:
            return
        for process in self._processes:
            for delay in self._delays(is_new=change.verb == "ADDED" and change.name == key.name):
                self._later(delay, lambda it=process: it.wake(key))  # type: ignore[misc]

    def _delays(self, *, is_new: bool) -> list[float]:
        """When a change is told; that there is a new resource is always told, if late."""
        rng = self._rng
        match self._mode:
            case "normal":
                return [rng.uniform(0.005, 0.05)]
            case "slow":
                return [rng.uniform(0.5, 8.0)]
            case "lossy":
                return [0.02] if is_new or rng.random() < 0.3 else []
            case "doubled":
                return [0.01, rng.uniform(0.05, 3.0)]
            case "silent":
                return [5.0] if is_new else []


def _key(change: Change) -> Key | None:
    """The resource that a change wakes, by the operator's own list of kinds."""
    where = change.collection
    if (where.api_version, where.plural) == (API_VERSION, PLURAL):
        return Key(where.namespace, change.name)
    labels = change.manifest["metadata"].get("labels") or {}
    if (where.api_version, where.plural) in KINDS and OWNER_LABEL in labels:
        return Key(where.namespace, labels[OWNER_LABEL])
    return None
