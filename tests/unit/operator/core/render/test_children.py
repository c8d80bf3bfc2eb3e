"""Children as they are rendered, against the files that were read and approved."""

from __future__ import annotations

import pytest
import yaml

from spark_operator.core.model.labels import RELEASE_LABEL
from spark_operator.core.render import render
from tests.golden.rendered import FOLDER, MOMENTS, SCHEMA, SPECS, rendered
from tests.unit.operator.core.builders import IMAGES, name, release, resource


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


@pytest.mark.parametrize("running", ["preflight", "migrating", "verifying", "mid-canary"])
def test_isolated_every_pod_of_the_resource_is_cut_off(running: str) -> None:
    version, now = MOMENTS[running]
    spec = SPECS.get(running, {}) | {"isolated": True}
    releases = {name(number): release(number) for number in IMAGES}
    releases |= {name(2, **SCHEMA): release(2, **SCHEMA)}
    children = render(resource(version, now, **spec), releases)
    pods = [
        item["spec"]["template"]["metadata"]["labels"]
        for item in children
        if item["kind"] in ("Deployment", "Job")
    ]
    # Jobs that began before go on: what a migration has begun must not be torn down.
    begun = render(resource(version, now, **SPECS.get(running, {})), releases)
    pods += [it["spec"]["template"]["metadata"]["labels"] for it in begun if it["kind"] == "Job"]
    policies = [item["spec"] for item in children if item["kind"] == "NetworkPolicy"]
    assert pods
    for labels in pods:
        cutting = [
            policy
            for policy in policies
            if policy["podSelector"]["matchLabels"].items() <= labels.items()
        ]
        assert cutting
        for policy in cutting:
            assert policy["policyTypes"] == ["Ingress", "Egress"]
            assert not policy.get("ingress")
            assert not policy.get("egress")
