"""A release's name: what changes it, and what must not."""

from __future__ import annotations

from typing import Any

import pytest

from spark_operator.core.model.image import canonical, digest_of, is_mutable
from spark_operator.core.model.release import Release
from tests.unit.operator.core.builders import body, name, release, resource

DIGEST = "sha256:" + "a" * 64


def named(**spec: Any) -> str:
    return Release.of(resource(1, **spec).spec).name


def test_the_name_is_stable_across_versions_of_the_operator() -> None:
    """A change here restarts every pod of every user at their next upgrade."""
    assert name(1) == "880a3a8a39"
    assert named(config={"B": "2", "A": "1"}, pod={"port": 4000}) == "8907d0c19e"


@pytest.mark.parametrize(
    "spec",
    [
        {"image": "registry.example/spark:2"},
        {"config": {"LOG_LEVEL": "debug"}},
        {"appURL": "https://spark.example"},
        {"environment": "staging"},
        {"pod": {"port": 4000}},
        {"pod": {"resources": {"limits": {"memory": "1Gi"}}}},
    ],
)
def test_what_runs_makes_another_release(spec: dict[str, Any]) -> None:
    assert named(**spec) != name(1)


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 9},
        {"paused": True},
        {"guard": {"duration": "5m"}},
        {"analysis": {"sensitivity": "robust"}},
        {"secrets": {"openaiAPIKey": {"name": "other", "key": "key"}}},
        {"pod": {"port": 3000}},
        {"pod": {"resources": {"requests": {"cpu": "100m", "memory": "128Mi"}}}},
        {"environment": "production"},
    ],
)
def test_what_is_live_or_a_default_does_not(spec: dict[str, Any]) -> None:
    assert named(**spec) == name(1)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"config": {"A": "1"}, "pod": {"port": 4000, "nodeSelector": {"disk": "ssd"}}},
        {"pod": {"resources": {"limits": {}}, "imagePullSecrets": [{"name": "registry"}]}},
    ],
)
def test_a_revision_gives_the_release_back(spec: dict[str, Any]) -> None:
    made = Release.of(resource(1, **spec).spec)
    assert Release.from_data(made.data()) == made
    assert Release.from_data(made.data()).name == made.name


def test_short_and_full_forms_of_an_image_are_one_release() -> None:
    assert named(image="spark") == named(image="docker.io/library/spark:latest")
    assert release(1).image == body(1)["spec"]["image"]


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("spark", "docker.io/library/spark:latest"),
        ("spark:1", "docker.io/library/spark:1"),
        ("acme/spark:1", "docker.io/acme/spark:1"),
        ("docker.io/spark:1", "docker.io/library/spark:1"),
        ("ghcr.io/acme/spark", "ghcr.io/acme/spark:latest"),
        ("localhost/spark:1", "localhost/spark:1"),
        ("registry:5000/spark", "registry:5000/spark:latest"),
        (f"ghcr.io/acme/spark@{DIGEST}", f"ghcr.io/acme/spark@{DIGEST}"),
        (f"ghcr.io/acme/spark:1@{DIGEST}", f"ghcr.io/acme/spark@{DIGEST}"),
        (f"spark:1@{DIGEST}", f"docker.io/library/spark@{DIGEST}"),
    ],
)
def test_canonical_image(image: str, full: str) -> None:
    assert canonical(image) == full
    assert canonical(full) == full
    assert is_mutable(image) == ("@" not in image)


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        (f"ghcr.io/acme/spark@{DIGEST}", DIGEST),
        (f"docker-pullable://spark@{DIGEST}", DIGEST),
        (DIGEST, DIGEST),
        ("", None),
        ("ghcr.io/acme/spark:1", None),
    ],
)
def test_digest_of_an_image_id(image_id: str, digest: str | None) -> None:
    assert digest_of(image_id) == digest
