"""From wanted and live children to writes, and which of them are fenced, spared or futile."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from spark_operator.core.apply.backoff import Attempt, signature
from spark_operator.core.apply.diff import (
    UNSEEN,
    Apply,
    Delete,
    StaleDecisionError,
    diff,
    surplus_revisions,
)
from spark_operator.core.model.objects import CHILD_KINDS, Ref, covers, epoch
from spark_operator.core.render import render, unknown
from tests.unit.operator.core.builders import IMAGES, name, release, resource, status

GIVEN = resource(2, status("Progressing", candidate=2, weight=5, step=0))
KNOWN = {name(version): release(version) for version in IMAGES}
WANTED = render(GIVEN, KNOWN)
UID = GIVEN.metadata.uid
EPOCH = GIVEN.status.epoch


def stored() -> list[dict[str, Any]]:
    """The children as an API server gives them back, with what it adds."""
    live = copy.deepcopy(WANTED)
    for number, item in enumerate(live):
        item["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": str(100 + number)}
        if item["kind"] == "Service":
            item["spec"] |= {"clusterIP": "10.96.0.7", "sessionAffinity": "None"}
        if item["kind"] == "ConfigMap" and not item["data"]:
            item.pop("data")
    return live


def find(items: list[dict[str, Any]], kind: str, suffix: str = "") -> dict[str, Any]:
    return next(
        item
        for item in items
        if item["kind"] == kind and item["metadata"]["name"] == f"spark{suffix}"
    )


def writes(live: list[dict[str, Any]], ours: int = EPOCH, **more: Any) -> list[Any]:
    return diff(WANTED, live, UID, ours, **more)


def refs(found: list[Any]) -> list[Ref]:
    return [
        Ref(item.manifest["kind"], item.manifest["metadata"]["name"])
        if isinstance(item, Apply)
        else item.ref
        for item in found
    ]


def test_nothing_differs_once_it_is_stored() -> None:
    assert writes(stored()) == []


def test_everything_is_written_at_first_the_users_service_before_all_else() -> None:
    found = writes([])
    assert len(found) == len(WANTED)
    assert refs(found)[0] == ("Service", "spark")
    fenced = [item for item in found if "resourceVersion" in item.manifest["metadata"]]
    assert {item.manifest["kind"] for item in fenced} == {"Service", "Deployment"}
    assert {item.manifest["metadata"]["resourceVersion"] for item in fenced} == {UNSEEN}


@pytest.mark.parametrize(
    ("kind", "suffix", "path", "value"),
    [
        ("Service", "", ("spec", "selector", "spark.dev/release"), "other"),
        ("Service", "", ("spec", "selector", "foreign"), "label"),
        ("Service", "", ("spec", "ports"), []),
        ("Deployment", f"-{name(1)}", ("spec", "replicas"), 1),
        ("NetworkPolicy", "", ("spec", "ingress"), None),
        ("PodDisruptionBudget", "", ("spec", "maxUnavailable"), 4),
        ("ServiceAccount", "", ("automountServiceAccountToken",), True),
    ],
)
def test_what_somebody_changed_is_written_again(
    kind: str, suffix: str, path: tuple[str, ...], value: Any
) -> None:
    live = stored()
    target = find(live, kind, suffix)
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    assert refs(writes(live)) == [(kind, f"spark{suffix}")]


def test_kinds_that_move_traffic_are_written_over_what_was_seen_only() -> None:
    live = stored()
    find(live, "Service")["spec"]["selector"] = {}
    find(live, "NetworkPolicy")["spec"] = {}
    fenced, free = writes(live)
    assert fenced.manifest["metadata"]["resourceVersion"] == "100"
    assert fenced.manifest["metadata"]["uid"] == "uid-0"
    assert "resourceVersion" not in free.manifest["metadata"]


def test_only_kinds_that_move_traffic_follow_each_epoch() -> None:
    live = stored()
    for item in live:
        item["metadata"]["annotations"]["spark.dev/epoch"] = str(EPOCH - 1)
    assert {kind for kind, _ in refs(writes(live))} == {"Service", "Deployment"}


def test_a_newer_decision_is_not_undone() -> None:
    live = stored()
    find(live, "ServiceAccount")["metadata"]["annotations"]["spark.dev/epoch"] = str(EPOCH + 1)
    with pytest.raises(StaleDecisionError, match=f"epoch {EPOCH + 1}"):
        writes(live)


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("", 0), ("-1", 0), ("x", 0), ("9" * 15, 10**15 - 1), ("9" * 16, 0)],
)
def test_an_epoch_that_nobody_can_have_written_is_none(text: str, number: int) -> None:
    assert epoch({"metadata": {"annotations": {"spark.dev/epoch": text}}}) == number


def test_what_is_not_wanted_any_more_goes_last_and_only_if_it_is_what_was_seen() -> None:
    old = copy.deepcopy(find(stored(), "Deployment", f"-{name(1)}"))
    old["metadata"] |= {"name": f"spark-{name(3)}", "uid": "old", "resourceVersion": "9"}
    assert writes([*stored(), old]) == [Delete(Ref("Deployment", f"spark-{name(3)}"), "old", "9")]
    old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert writes([*stored(), old]) == []


def test_what_somebody_else_owns_is_left_alone() -> None:
    other = copy.deepcopy(find(stored(), "Deployment", f"-{name(1)}"))
    other["metadata"] |= {"name": "theirs", "ownerReferences": []}
    assert writes([*stored(), other]) == []


def test_spared_objects_are_neither_written_nor_deleted() -> None:
    spared = frozenset({Ref("Service", "spark"), Ref("Deployment", f"spark-{name(1)}")})
    left = [item for item in WANTED if item["kind"] != "Deployment"]
    live = stored()
    find(live, "Service")["spec"]["selector"] = {}
    found = refs(diff(left, live, UID, EPOCH, spared))
    assert found == [("Deployment", f"spark-{name(2)}")]


def test_a_release_without_revision_goes_on_as_it_is_if_its_pods_are_wanted() -> None:
    known = {name(2): release(2)}
    assert {item["kind"] for item in render(GIVEN, known)} >= {"Service", "Deployment"}
    assert unknown(GIVEN, known) == {
        Ref("ConfigMap", f"spark-{name(1)}"),
        Ref("Deployment", f"spark-{name(1)}"),
    }
    back = GIVEN.model_copy(update={"status": status("RollingBack", candidate=2, step=0)})
    assert unknown(back, {name(1): release(1)}) == frozenset()


def test_the_oldest_unused_revisions_are_surplus() -> None:
    live = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    assert surplus_revisions(live, frozenset({"a"}), 2) == ("b", "c")
    assert surplus_revisions(live, frozenset(live), 2) == ()


@pytest.mark.parametrize(
    ("live", "wanted", "covered"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        (None, {}, True),
        (None, {"a": 1}, False),
        ([1, 2], [1], False),
        ([{"name": "x", "extra": 1}], [{"name": "x"}], True),
        ({"selector": {"a": "1", "b": "2"}}, {"selector": {"a": "1"}}, False),
        (0, 0, True),
        (False, False, True),
        (None, False, False),
        ("", "x", False),
    ],
)
def test_covers(live: Any, wanted: Any, covered: bool) -> None:
    assert covers(live, wanted) is covered


def test_writes_that_change_nothing_are_tried_later_and_later() -> None:
    attempt, now, waits = Attempt(), 1000.0, []
    for _ in range(12):
        attempt = attempt.again("same", now)
        waits.append(attempt.not_before - now)
        now = attempt.not_before
    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
    assert attempt.again("other", now).not_before == now
    assert attempt.again("same", now + 61).not_before == now + 61


def test_a_signature_does_not_depend_on_what_was_seen() -> None:
    live, again = stored(), stored()
    find(live, "Service")["spec"]["selector"] = {}
    find(again, "Service")["spec"]["selector"] = {}
    find(again, "Service")["metadata"]["resourceVersion"] = "999"
    assert signature(writes(live)) == signature(writes(again)) != ""
    assert signature(writes([])) != signature(writes(live))
    assert signature([]) == ""


def test_paths() -> None:
    assert CHILD_KINDS["Service"].path("ns", "a") == "/api/v1/namespaces/ns/services/a"
    assert CHILD_KINDS["Deployment"].path("ns") == "/apis/apps/v1/namespaces/ns/deployments"
