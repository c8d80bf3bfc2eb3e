"""A part that raises costs itself only: people, the judge and the cut go on."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.core import judge
from spark_operator.core.decide.signals import alerts, audit, isolation, maintenance, outage
from spark_operator.core.decide.signals import rotation as rotations
from spark_operator.core.model.event import Event
from tests.unit.operator.core.builders import NOW, resource, seen, status, workload
from tests.unit.operator.core.decide.cases import BAD, at, guarded, shared, under_guard

if TYPE_CHECKING:
    from spark_operator.api.status.status import Condition, SparkDeploymentStatus
    from spark_operator.core.decide.decision import Decision
    from spark_operator.core.observe.observations import Observations

deciding = import_module("spark_operator.core.decide.decide")
judging = import_module("spark_operator.core.decide.judging")
notices = import_module("spark_operator.core.decide.report.notices")
requests = import_module("spark_operator.core.decide.requests")
exposure = import_module("spark_operator.core.decide.exposure")

PARTS: dict[str, tuple[Any, str]] = {
    "override": (deciding, "_forget_override"),
    "audit": (audit, "notice"),
    "accepted spec": (deciding, "_keep_accepted"),
    "maintenance": (maintenance, "settle"),
    "alerts": (alerts, "consume"),
    "alert": (alerts, "act_on_alerts"),
    "Jobs": (deciding.runs, "settle"),
    "isolation": (isolation, "settle"),
    "credentials": (rotations, "notice"),
    "checkpoint": (judging, "checkpoint"),
    "freeze": (deciding.freeze, "tell"),
    "diagnosis": (deciding, "diagnose"),
    "outage": (outage, "notice"),
    "outbox": (notices, "settle"),
    "notifications": (notices, "announce"),
    "conditions": (deciding, "conditions"),
    "scale": (deciding, "_count_replicas"),
    "record of request": (requests, "_remembered"),
}
"""Parts whose failure must not delay a cut, whoever asks for it."""
ABORT = {"spark.dev/abort": "now"}


class PlantedError(Exception):
    """Raised by a part in its place."""


def broken(*_: Any, **__: Any) -> Any:
    raise PlantedError("planted")


def decided(
    before: SparkDeploymentStatus, world: Observations, version: int = 2, **more: Any
) -> Decision:
    found: Decision = deciding.decide(resource(version, before, **more), world, NOW)
    return found


def condition(decision: Decision, kind: str) -> Condition:
    return next(item for item in decision.status.conditions if item.type == kind)


@pytest.mark.parametrize("part", PARTS)
def test_a_failing_release_is_cut_whatever_part_raises(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*PARTS[part], broken)
    decision = decided(at(1, 25), shared(BAD))
    assert (decision.status.phase, decision.status.weight.desired) == ("RollingBack", 0)
    decision = decided(guarded(), under_guard(BAD))
    assert decision.status.phase == "RollingBack"


@pytest.mark.parametrize("part", [*PARTS, "judge", "phase"])
def test_a_person_can_abort_whatever_part_raises(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if part == "judge":
        monkeypatch.setattr(judging, "consult_judge", broken)
    elif part == "phase":
        monkeypatch.setattr(deciding, "HANDLERS", dict.fromkeys(deciding.HANDLERS, broken))
    else:
        monkeypatch.setattr(*PARTS[part], broken)
    for before, world in ((at(1, 25), shared()), (guarded(), under_guard())):
        decision = decided(before, world, annotations=ABORT)
        assert (decision.status.phase, decision.status.weight.desired) == ("RollingBack", 0)


@pytest.mark.parametrize("part", sorted(set(PARTS) - {"record of request"}))
def test_the_part_is_named_and_looked_at_again(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PARTS[part], broken)
    decision = decided(at(1, 25), shared())
    assert [failure.part for failure in decision.failures] == [part]
    assert decision.next_due is not None
    assert decision.next_due <= NOW + 1.0
    degraded = condition(decision, "Degraded")
    assert (degraded.status, degraded.reason) == ("True", "InternalError")
    assert f"{part}: PlantedError: planted" in degraded.message


def test_what_a_part_did_before_it_raised_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(draft: Any) -> None:
        draft.set(held=True)
        draft.events.append(Event("Half", "half"))
        broken()

    monkeypatch.setattr(audit, "notice", half)
    decision = decided(status("Stable"), seen(workload(1, 4)), version=1)
    assert not decision.status.held
    assert Event("Half", "half") not in decision.events


def test_a_judge_that_raises_raises_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "verdict", broken)
    decision = decided(at(1, 25), shared())
    assert decision.status.weight.desired == 25
    assert decision.failures[0].part == "judge"
