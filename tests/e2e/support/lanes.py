"""Which modules run one after the other, and which beside each other.

A lane is a process with its modules in turn; those of one kind run at the same time.  Modules are
dealt out so that the lanes end together, by the seconds of ``--durations`` on two cores: a module
that waits most of its time stands beside one that starts many pods.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import pytest
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdist.workermanage import WorkerController

SHARED: Final = (
    ("windows", "migrations"),
    ("live", "quarantine", "late_fault"),
    ("outages", "verification"),
    ("diagnosis", "rollout", "preflight", "prometheus_gone"),
)
"""Modules that need the usual operator, which none of them disturbs."""
ALONE: Final = (
    ("migrations_killed",),
    ("cluster_network", "operator_cut_off"),
    ("operator_killed",),
    ("cluster_life",),
)
"""Modules with the mark ``alone``: they have operators of their own, or need none."""
_PLACES: Final = {
    module: (number, place)
    for number, lane in enumerate((*SHARED, *ALONE))
    for place, module in enumerate(lane)
}


def place(module: str) -> tuple[int, int]:
    """Return the number of a module's lane, and its place in there.

    Raises:
        UsageError: it has none.
    """
    name = module.rpartition(".")[2].removeprefix("test_")
    if name not in _PLACES:
        raise pytest.UsageError(
            f"test_{name} has no lane: give it one in tests/e2e/support/lanes.py."
        )
    return _PLACES[name]


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a process whole lanes, all of one kind."""

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Take what a process has collected.

        Raises:
            UsageError: some tests need the usual operator, and others would end it.
        """
        if len({_lane(nodeid) < len(SHARED) for nodeid in collection}) > 1:
            raise pytest.UsageError(
                'run -m "not alone" and -m alone in turn, as make e2e does: the second end the'
                " operator that the first need"
            )
        super().add_node_collection(node, collection)

    def _split_scope(self, nodeid: str) -> str:
        return f"lane-{_lane(nodeid)}"


def _lane(nodeid: str) -> int:
    return place(PurePath(nodeid.partition("::")[0]).stem)[0]
