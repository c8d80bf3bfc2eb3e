"""Cut off for an investigation: nobody is served, nothing moves, and then all is as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.core.decide.decide import decide
from spark_operator.core.model.credentials import count
from spark_operator.core.observe.secret_metadata import describe
from spark_operator.core.render import render
from tests.unit.operator.core.builders import (
    IMAGES,
    NOW,
    name,
    release,
    resource,
    seen,
    status,
    workload,
)
from tests.unit.operator.core.decide.cases import (
    BAD,
    FOUR_TWOS,
    GOOD,
    LATE,
    ONE,
    at,
    guarded,
    shared,
)
from tests.unit.operator.core.notifications.told import PAGER

if TYPE_CHECKING:
    from spark_operator.api.status.status import SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations

CUT = {"isolated": True}
BEFORE = [
    (2, status("Pending"), seen(ONE)),
    (2, at(0, 5), shared(BAD)),
    (2, at(0, 5, entered=LATE), shared(GOOD)),
    (2, at(3, 100, "Promoting"), seen(ONE, FOUR_TWOS, route="shared", judge=GOOD)),
    (2, guarded(), seen(ONE, FOUR_TWOS, route=2, judge=BAD)),
    (1, status("Stable", stable=2), seen(workload(2, 4), route=2)),
]


def decided(
    version: int, before: SparkDeploymentStatus, world: Observations, **spec: Any
) -> Decision:
    return decide(resource(version, before, **spec), world, NOW)


def condition(after: SparkDeploymentStatus, kind: str) -> tuple[str, str]:
    return next((item.status, item.reason) for item in after.conditions if item.type == kind)


@pytest.mark.parametrize(("version", "before", "world"), BEFORE, ids=lambda item: str(item)[:8])
def test_nothing_moves_and_no_pod_is_touched(
    version: int, before: SparkDeploymentStatus, world: Observations
) -> None:
    after = decided(version, before, world, **CUT).status
    kept = ("phase", "weight", "step", "stable", "candidate", "previous", "failure", "judge")
    moved = [field for field in kept if _core(after, field) != _core(before, field)]
    assert moved == []
    assert after.epoch == before.epoch + 1


def _core(state: SparkDeploymentStatus, field: str) -> Any:
    value = getattr(state, field)
    value = getattr(value, "desired", value)
    return getattr(value, "release", value)


def test_no_service_selects_a_pod_and_every_pod_stays() -> None:
    given = resource(2, at(1, 25), isolated=True)
    children = render(given, {name(version): release(version) for version in IMAGES})
    services = [item["spec"]["selector"] for item in children if item["kind"] == "Service"]
    assert [item["spark.dev/release"] for item in services] == ["none"] * 3
    open_ = render(resource(2, at(1, 25)), {name(v): release(v) for v in IMAGES})
    pods = [item["spec"] for item in children if item["kind"] == "Deployment"]
    assert pods == [item["spec"] for item in open_ if item["kind"] == "Deployment"]


def test_the_policy_denies_both_directions() -> None:
    given = resource(2, at(1, 25), isolated=True)
    policy = next(item for item in render(given, {}) if item["kind"] == "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(policy)


def test_it_is_shown_told_once_and_somebody_is_called() -> None:
    told = {"notifications": {"pagerDuty": [PAGER]}}
    first = decided(1, status("Stable"), seen(ONE), **CUT, **told)
    assert [event.reason for event in first.events] == ["Isolated"]
    assert condition(first.status, "Isolated") == ("True", "IsolationRequested")
    assert condition(first.status, "Available") == ("False", "Isolated")
    assert condition(first.status, "Ready") == ("False", "Isolated")
    assert first.status.notifications is not None
    (alarm,) = first.status.notifications.alarms
    assert (alarm.kind, alarm.reason, alarm.severity) == ("Unavailable", "Isolated", "critical")
    again = decided(1, first.status, seen(ONE), **CUT, **told)
    assert again.events == ()
    assert again.status.epoch == first.status.epoch


def test_what_a_person_asks_for_waits() -> None:
    asked = {"spark.dev/abort": "now"}
    given = resource(2, at(0, 5), asked, **CUT)
    held = decide(given, shared(GOOD), NOW)
    assert held.status.requests == ()
    done = decide(resource(2, held.status, asked), shared(GOOD), NOW + 5)
    assert [item.result for item in done.status.requests] == ["Done"]


def test_afterwards_the_step_begins_anew_and_goes_on() -> None:
    held = decided(2, at(0, 5, entered=LATE), shared(GOOD), **CUT)
    after = decide(resource(2, held.status), shared(GOOD), NOW + 7200)
    assert "IsolationEnded" in [event.reason for event in after.events]
    assert after.status.phase == "Progressing"
    assert after.status.step is not None
    assert after.status.step.entered_at.timestamp() == NOW + 7200
    assert after.status.step.observed_since is not None, "its pods are ready"
    assert after.status.step.observed_since.timestamp() == NOW + 7200
    assert condition(after.status, "Isolated") == ("False", "NotIsolated")
    assert condition(after.status, "Available") == ("True", "StableServes")


def test_afterwards_a_failing_candidate_is_rolled_back() -> None:
    held = decided(2, at(0, 5), shared(BAD), **CUT)
    assert held.judge == BAD
    after = decide(resource(2, held.status), shared(held.judge), NOW)
    assert after.status.phase == "RollingBack"


def test_credentials_wait_for_the_end_of_the_investigation() -> None:
    before = status("Stable", secrets_revision="1-aaaaa")
    known = {"spark-providers": describe({"uid": "u", "resourceVersion": "2"})}
    world = seen(workload(1, 4), secrets=known)
    assert decided(1, before, world, **CUT).status.secrets_revision == "1-aaaaa"
    assert count(decided(1, before, world).status) == 2
