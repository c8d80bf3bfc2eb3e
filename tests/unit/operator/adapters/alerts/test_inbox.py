"""An alert waits for the reconcile whose status was stored, and for no other."""

from __future__ import annotations

import pytest

from spark_operator.adapters.alerts import inbox as inbox_module
from spark_operator.adapters.alerts.inbox import UNKNOWN, Inbox, InboxFullError
from spark_operator.core.model.objects import Ref
from spark_operator.core.observe.values import Alert
from spark_operator.ports.cluster import ConflictError, Key
from spark_operator.reconcile.memory import Memory
from spark_operator.reconcile.reconciler import Reconciler
from tests.unit.operator.core.builders import NOW, body, name
from tests.unit.operator.core.decide.cases import at
from tests.unit.operator.reconcile.cluster import FixedClock, MemoryCluster, NoMetrics

SPARK = Key("production", "spark")
ALERT = Alert(fingerprint="a1", name="X", starts_at=NOW - 5, release=name(2))


def world() -> tuple[MemoryCluster, Inbox, Reconciler]:
    cluster = MemoryCluster(resource=body(2) | {"status": at(0, 5).to_dict()})
    inbox = Inbox()
    return cluster, inbox, Reconciler(cluster, NoMetrics(), FixedClock(), alerts=inbox)


async def test_it_is_settled_once_the_status_is_stored() -> None:
    cluster, inbox, reconciler = world()
    future = inbox.offer(SPARK, ALERT)
    cluster.refusals["status"] = ConflictError("the resource changed")
    with pytest.raises(ConflictError):
        await reconciler.reconcile(SPARK, Memory(), woken=True)
    assert not future.done()
    del cluster.refusals["status"]
    await reconciler.reconcile(SPARK, Memory(), woken=True)
    assert future.result() == "RolledBack"
    assert inbox.pending(SPARK) == ()
    assert cluster.resource is not None
    assert cluster.resource["status"]["alerts"][0]["fingerprint"] == "a1"


async def test_a_resource_that_is_gone_settles_it() -> None:
    cluster, inbox, reconciler = world()
    cluster.resource = None
    future = inbox.offer(SPARK, ALERT)
    await reconciler.reconcile(SPARK, Memory(), woken=True)
    assert future.result() == UNKNOWN


async def test_somebody_elses_object_in_the_way_settles_it_too() -> None:
    cluster, inbox, reconciler = world()
    cluster.resource = body(1)
    cluster.foreign = (Ref("Service", "spark"),)
    future = inbox.offer(SPARK, Alert(fingerprint="a1", name="X", starts_at=NOW - 5))
    await reconciler.reconcile(SPARK, Memory(), woken=True)
    assert future.result() == "Noted"


async def test_alerts_about_many_resources_are_refused_before_they_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As while the API server is away, and no reconcile finds out that there are none of them."""
    monkeypatch.setattr(inbox_module, "MAX_RESOURCES", 2)
    inbox = Inbox()
    for number in range(2):
        inbox.offer(Key("production", f"spark-{number}"), ALERT)
    with pytest.raises(InboxFullError):
        inbox.offer(SPARK, ALERT)
    inbox.offer(Key("production", "spark-0"), ALERT)
    inbox.forget(Key("production", "spark-1"))
    inbox.offer(SPARK, ALERT)


async def test_the_same_alert_twice_is_one_and_too_many_are_refused() -> None:
    inbox = Inbox()
    assert inbox.offer(SPARK, ALERT) is inbox.offer(SPARK, ALERT)
    for number in range(63):
        inbox.offer(SPARK, Alert(fingerprint=f"{number:x}", name="X", starts_at=NOW))
    with pytest.raises(InboxFullError):
        inbox.offer(SPARK, Alert(fingerprint="ffff", name="X", starts_at=NOW))
    inbox.forget(SPARK)
