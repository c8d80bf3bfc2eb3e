"""Bugs that show only while two operators decide at the same time.

One operator after another, killed or stopped for as long as one likes, never meets them: what it
finds was written by somebody who is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spark_operator.adapters.kubernetes.client import KubeCluster
from spark_operator.core.decide import decide
from tests.simulation.faults import Plan
from tests.simulation.planted.planting import Planted
from tests.simulation.process import ACTOR

if TYPE_CHECKING:
    import pytest

    from tests.simulation.oracles.history import History


def _takes_over_again_and_again(patch: pytest.MonkeyPatch) -> None:
    """A new leader raises the epoch, and takes every write that is not its own for a leader's."""
    conclude, write = decide._conclude, KubeCluster.write_status
    own: dict[str, str] = {}

    def taking_over(draft: Any) -> None:
        conclude(draft)
        seen = draft.resource
        is_mine = own.get(ACTOR.get()) == seen.metadata.resource_version
        if not is_mine and draft.status.epoch == seen.status.epoch:
            draft.set(epoch=seen.status.epoch + 1)

    async def noting(self: KubeCluster, resource: dict[str, Any]) -> dict[str, Any]:
        stored = await write(self, resource)
        own[ACTOR.get()] = stored["metadata"]["resourceVersion"]
        return stored

    patch.setattr(decide, "_conclude", taking_over)
    patch.setattr(KubeCluster, "write_status", noting)


def _two_leaders(_: History) -> Plan:
    return Plan(name="two leaders", leaders=2)


PLANTED_LEADERS: Final = (
    Planted(
        "leaders take over from each other",
        _takes_over_again_and_again,
        "first-install",
        "is-quiet",
        _two_leaders,
    ),
)
