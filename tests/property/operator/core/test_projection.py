"""What is rendered and written, whatever the resource: rules 9, 10 and 11 of ``design.md`` §5."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_operator.core.apply.diff import FENCED, Apply, StaleDecisionError, diff
from spark_operator.core.model.objects import is_owned_by
from spark_operator.core.render import render
from tests.unit.operator.core.builders import IMAGES, name, release, resource, status
from tests.unit.operator.core.decide.cases_prepared import job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.core.model.objects import Manifest

PROVIDERS: Final = {"anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"}}
DATABASE: Final = {"databaseURL": {"name": "spark-db", "key": "url"}}
KNOWN: Final = {name(version): release(version) for version in IMAGES}
PHASES: Final = ("Preflight", "Migrating", "Progressing", "Promoting", "RollingBack", "Stable")
RESOURCES: Final = st.builds(
    lambda phase, weight, kinds, secrets, replicas: resource(
        2,
        status(
            phase,
            candidate=None if phase == "Stable" else 2,
            weight=weight,
            jobs=tuple(job(kind, "Running") for kind in kinds),
        ),
        replicas=replicas,
        secrets=PROVIDERS | secrets,
    ),
    st.sampled_from(PHASES),
    st.sampled_from([0, 5, 50, 100]),
    st.sets(st.sampled_from(["preflight", "verify", "compare", "traffic"])),
    st.sampled_from([{}, DATABASE]),
    st.integers(1, 8),
)


def children(of: SparkDeployment) -> list[Manifest]:
    return render(of, KNOWN)


def stored(items: list[Manifest]) -> list[Manifest]:
    """The children as an API server gives them back."""
    live = copy.deepcopy(items)
    for number, item in enumerate(live):
        item["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": str(100 + number)}
    return live


def variables(value: Any) -> Iterator[dict[str, Any]]:
    """Every environment variable in a manifest."""
    if isinstance(value, dict):
        yield from value.get("env") or []
        for item in value.values():
            yield from variables(item)
    elif isinstance(value, list):
        for item in value:
            yield from variables(item)


@settings(deadline=None)
@given(RESOURCES)
def test_secrets_are_referred_to_and_never_read(of: SparkDeployment) -> None:
    """Rule 9: nothing is made that could hold a secret's value."""
    items = children(of)
    assert "Secret" not in {item["kind"] for item in items}, "9: a Secret is written"
    for item in items:
        if item["kind"] in ("Deployment", "Job"):
            named = [it for it in variables(item) if it["name"] == "ANTHROPIC_API_KEY"]
            assert named, "9: the pods have no key"
            assert all("value" not in it for it in named), "9: a value in the open"


@settings(deadline=None)
@given(RESOURCES)
def test_everything_goes_with_the_resource_and_nothing_holds_it_back(of: SparkDeployment) -> None:
    """Rule 10."""
    for item in children(of):
        assert is_owned_by(item, of.metadata.uid), f"10: nobody owns {item['kind']}"
        assert "finalizers" not in item["metadata"], "10: a finalizer"
        owners = item["metadata"]["ownerReferences"]
        assert not any(it.get("blockOwnerDeletion") for it in owners), "10: deletion is blocked"


@settings(deadline=None)
@given(RESOURCES, RESOURCES, st.integers(1, 1000))
def test_an_older_decision_undoes_nothing(
    older: SparkDeployment, newer: SparkDeployment, age: int
) -> None:
    """Rule 11: whoever decides on less than what stands writes nothing."""
    epoch = older.status.epoch + age
    changed = newer.model_copy(update={"status": newer.status.model_copy(update={"epoch": epoch})})
    live = stored(children(changed))
    try:
        writes = diff(children(older), live, older.metadata.uid, older.status.epoch)
    except StaleDecisionError:
        return
    raise AssertionError(f"11: an older decision is written: {len(writes)} writes")


@settings(deadline=None)
@given(RESOURCES, RESOURCES)
def test_what_moves_traffic_is_written_over_what_was_seen(
    before: SparkDeployment, after: SparkDeployment
) -> None:
    """Rule 11: two that decide at the same time cannot both write."""
    live = stored(children(before))
    seen = {item["metadata"]["resourceVersion"] for item in live}
    for write in diff(children(after), live, after.metadata.uid, after.status.epoch):
        if isinstance(write, Apply) and write.manifest["kind"] in FENCED:
            version = write.manifest["metadata"].get("resourceVersion")
            assert version in seen | {"1"}, "11: a blind write"
