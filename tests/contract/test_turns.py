"""The operator itself on both API servers: the same writes, and then none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spark_operator.adapters.clock import SystemClock
from spark_operator.ports.cluster import Key
from spark_operator.reconcile.memory import Memory
from spark_operator.reconcile.reconciler import Reconciler
from tests.contract.test_api_server import make_resource

if TYPE_CHECKING:
    from spark_operator.ports.metrics import Reading, Target
    from tests.contract.conftest import Api

TURNS = 6


class NoMetrics:
    """No pod runs, so none is read."""

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """No readings."""
        assert not targets
        return {}


async def test_a_first_release_is_rendered_once_and_then_left_alone(api: Api) -> None:
    await make_resource(api)
    reconciler = Reconciler(api.cluster, NoMetrics(), SystemClock())
    key, memory = Key(api.namespace, "spark"), Memory()
    versions = []
    for _ in range(TURNS):
        result = await reconciler.reconcile(key, memory, woken=True)
        assert result is not None
        assert result.failure is None
        memory = replace(result.memory, snapshot=None)
        snapshot = await api.cluster.read(key)
        assert snapshot is not None
        children = {
            (item["kind"], item["metadata"]["name"]): item["metadata"]["resourceVersion"]
            for item in snapshot.children
        }
        versions.append((snapshot.resource["metadata"]["resourceVersion"], children))
    assert {kind for kind, _ in versions[-1][1]} >= {"Service", "Deployment", "ControllerRevision"}
    assert versions[-1] == versions[-2]
