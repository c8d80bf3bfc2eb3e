"""Who changed what: managers and paths from managed fields, and never a value."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from annotated_types import MaxLen

from spark_operator.api.fields import format_time, to_time
from spark_operator.api.spec import SparkDeploymentSpec
from spark_operator.api.status.status import SparkDeploymentStatus
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.signals.audit import MAX_PATHS, Audited
from spark_operator.core.observe.managed_fields import asked_by, owners
from tests.unit.operator.core.builders import NOW, resource, seen, status, workload

if TYPE_CHECKING:
    from spark_operator.core.decide.decision import Decision

SPEC = SparkDeploymentSpec.model_fields
CONFIG = {"LOG_LEVEL": "info", "MODE": "x"}


def entry(
    manager: str, at: float, *paths: str, subresource: str = "", **more: Any
) -> dict[str, Any]:
    """A manager's fields; ``spec.steps.k:{...}`` is an item of a list."""
    fields: dict[str, Any] = {}
    for path in paths:
        place = fields
        for name in path.split("/"):
            prefix = "" if name[:2] in ("k:", "v:") else "f:"
            place = place.setdefault(prefix + name, {})
    made = {"manager": manager, "operation": "Update", "time": format_time(to_time(NOW + at))}
    return (
        made | {"fieldsV1": fields} | ({"subresource": subresource} if subresource else {}) | more
    )


CREATED = entry("kubectl", -100, "spec/image", "spec/replicas", "spec/config/LOG_LEVEL")


def decided(
    before: SparkDeploymentStatus, *managed: dict[str, Any], generation: int = 2, **spec: Any
) -> Decision:
    given = resource(1, before, **spec)
    meta = given.metadata.model_copy(update={"generation": generation})
    given = given.model_copy(update={"metadata": meta})
    return decide(given, replace(seen(workload(1, 4)), managed=managed), NOW)


def audited(**spec: Any) -> SparkDeploymentStatus:
    """At rest, with a spec that was looked at."""
    return decided(status("Stable"), CREATED, generation=1, **spec).status


def told(decision: Decision) -> list[str]:
    return [item.message for item in decision.events if item.reason == "SpecChanged"]


def test_the_first_sight_is_told_to_nobody() -> None:
    first = decided(status("Stable"), CREATED, generation=1)
    assert told(first) == []
    assert first.status.audited


def test_only_what_changed_is_named_with_who_changed_it() -> None:
    edit = entry("kubectl-edit", 0, "spec/config/LOG_LEVEL", "spec/providers/order")
    after = decided(audited(), CREATED, edit, config=CONFIG)
    assert told(after) == ["by kubectl-edit: spec.config.LOG_LEVEL"]
    assert after.status.ledger[0].decision == "SpecChanged"
    assert told(decided(after.status, CREATED, edit, config=CONFIG)) == []


def test_no_value_is_told() -> None:
    """Neither what a field holds nor the keys of a list's items, which are made of values."""
    steps = 'spec/strategy/canary/steps/k:{"weight":77}'
    edit = entry("kubectl-edit", 0, "spec/config/LOG_LEVEL", steps, 'spec/revokedKeys/v:"user-7"')
    canary = {"strategy": {"canary": {"steps": [{"weight": 7}, {"weight": 100}]}}}
    changed: Any = {"config": {"LOG_LEVEL": "topsecret"}, "revokedKeys": ["user-7"], **canary}
    (message,) = told(decided(audited(), CREATED, edit, **changed))
    assert "spec.strategy.canary.steps[]" in message
    assert "spec.revokedKeys[]" in message
    for value in ("topsecret", "77", "user-7"):
        assert value not in message


def test_what_was_taken_out_is_named_by_its_member() -> None:
    took = entry("kubectl-edit", 0, "spec/image")
    assert told(decided(audited(config=CONFIG), CREATED, took)) == ["by kubectl-edit: spec.config"]


def test_whoever_wrote_in_the_same_second_before_is_not_named() -> None:
    edit = entry("kubectl-edit", -100, "spec/config/LOG_LEVEL")
    owner = entry("kubectl", -100, "spec/config/.", "spec/image")
    before = decided(status("Stable"), owner, generation=1).status
    assert told(decided(before, owner, edit, config=CONFIG)) == [
        "by kubectl-edit: spec.config.LOG_LEVEL"
    ]


def test_several_who_changed_something_meanwhile_are_all_named() -> None:
    one = entry("argocd", -2, "spec/providers/order")
    other = entry("kubectl-edit", -1, "spec/config/MODE")
    after = decided(audited(), one, other, config=CONFIG, providers={"order": ["openai"]})
    assert told(after) == ["by argocd: spec.providers.order; by kubectl-edit: spec.config.MODE"]


def test_scaling_is_no_change_of_the_spec_by_a_person() -> None:
    scaler = entry("kube-controller-manager", 0, "spec/replicas", subresource="scale")
    assert told(decided(audited(), CREATED, scaler, replicas=7)) == []
    unrecorded = entry("kubectl", -100, "spec/image")
    assert told(decided(audited(), unrecorded, replicas=7)) == []
    by_hand = entry("kubectl-edit", 0, "spec/replicas")
    assert told(decided(audited(), CREATED, by_hand, replicas=7)) == [
        "by kubectl-edit: spec.replicas"
    ]


def test_many_paths_are_cut_short() -> None:
    many = [f"spec/config/V{number:02}" for number in range(MAX_PATHS + 5)]
    edit = entry("kubectl-edit", 0, *many)
    (message,) = told(decided(audited(), edit, config={"V": "1"}))
    assert message.endswith("spec.config.V09 and 5 more")
    assert len(message) <= 512


def test_without_managed_fields_the_change_is_told_all_the_same() -> None:
    assert told(decided(audited(), config=CONFIG)) == ["by somebody: spec.config"]


def test_who_asked_for_something_stands_beside_it() -> None:
    asked = entry("kubectl-annotate", 0, "metadata/annotations/spark.dev/x")
    asked["fieldsV1"] = {"f:metadata": {"f:annotations": {"f:spark.dev/abort": {}}}}
    assert asked_by([CREATED, asked], "spark.dev/abort") == "kubectl-annotate"
    given = resource(1, status("Stable"), {"spark.dev/abort": "t"})
    after = decide(given, replace(seen(workload(1, 4)), managed=(CREATED, asked)), NOW)
    (event,) = after.events
    assert event.message.endswith("token t by kubectl-annotate: NothingToAbort")


def test_our_own_status_is_nobodys_change() -> None:
    assert owners([entry("spark-operator", 0, "status/phase", subresource="status")]) == ()


def test_what_is_kept_of_the_largest_spec_fits() -> None:
    members = {field.alias or name: "123456" for name, field in SPEC.items()}
    (limit,) = (
        item.max_length
        for item in SparkDeploymentStatus.model_fields["audited"].metadata
        if isinstance(item, MaxLen)
    )
    assert (
        len(str(Audited(NOW, frozenset(f"{number:06}" for number in range(20)), members))) <= limit
    )
