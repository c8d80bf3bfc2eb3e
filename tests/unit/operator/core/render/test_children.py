"""Children as they are rendered, against the files that were read and approved."""

from __future__ import annotations

import pytest
import yaml

from spark_operator.core.model.labels import RELEASE_LABEL
from tests.golden.rendered import FOLDER, MOMENTS, rendered
from tests.unit.operator.core.builders import name


@pytest.mark.parametrize("moment", MOMENTS)
def test_children(moment: str) -> None:
    expected = (FOLDER / f"{moment}.yaml").read_text(encoding="utf-8")
    assert rendered(moment) == expected, "python -m tests.golden.rendered writes the files anew"


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(MOMENTS)


@pytest.mark.parametrize(
    ("moment", "users", "pods"),
    [
        ("first-install", name(1), {1: 4}),
        ("mid-canary", None, {1: 4, 2: 1}),
        ("promoting", name(2), {1: 4, 2: 4}),
        ("guarding", name(2), {1: 4, 2: 4}),
        ("rolling-back", name(1), {1: 4, 2: 0}),
    ],
)
def test_who_serves_users_and_with_how_many_pods(
    moment: str, users: str | None, pods: dict[int, int]
) -> None:
    children = list(yaml.safe_load_all(rendered(moment)))
    assert children[0]["kind"] == "Service", "what cuts traffic is written first"
    assert children[0]["spec"]["selector"].get(RELEASE_LABEL) == users
    counts = {
        item["metadata"]["labels"][RELEASE_LABEL]: item["spec"]["replicas"]
        for item in children
        if item["kind"] == "Deployment"
    }
    assert counts == {name(version): count for version, count in pods.items()}
