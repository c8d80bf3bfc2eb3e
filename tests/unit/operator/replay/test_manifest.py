"""A manifest that no API server has checked: what it would refuse is refused, in its words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from spark_operator.commands.cli import app
from spark_operator.replay.manifest import ManifestError, read

if TYPE_CHECKING:
    from pathlib import Path

SPEC = {"image": "spark:2", "secrets": {"anthropicAPIKey": {"name": "a", "key": "b"}}}


def _body(**changes: Any) -> dict[str, Any]:
    meta = {"name": "spark", "annotations": {"spark.dev/promote": "now"}, "uid": "1"}
    body = {"apiVersion": "spark.dev/v1alpha1", "kind": "SparkDeployment", "metadata": meta}
    return {**body, "spec": SPEC, **changes}


def _canary(**canary: Any) -> dict[str, Any]:
    return _body(spec={**SPEC, "strategy": {"canary": canary}})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spark.yaml"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(_body(status={"phase": "RolledBack", "nonsense": 1})),
        "kind: ConfigMap\n---\n" + json.dumps(_body()),
        json.dumps({"kind": "List", "items": [{"kind": "Secret"}, _body()]}),
        "\ufeff" + json.dumps(_body()),
    ],
)
def test_the_first_of_its_kind_is_read_without_what_is_the_clusters(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    resource, unknown = read(file)
    assert (resource.spec.image, resource.status.phase) == ("spark:2", "Pending")
    assert (resource.metadata.annotations, resource.metadata.uid, unknown) == ({}, "", ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Deployment", "no object of kind SparkDeployment"),
        ("a: [b", "cannot be read"),
        (json.dumps(_body(spec=None)), "spec: "),
        (json.dumps(_body(metadata=None)), "metadata: "),
        (json.dumps(_body(apiVersion="spark.dev/v9")), "knows spark.dev/v1alpha1"),
        (json.dumps(_canary(steps=[{"weight": 50}])), "last step must have weight 100"),
        (json.dumps(_canary(steps=[{"weight": 60}, {"weight": 100}])), "at most 50, or 100"),
        (json.dumps(_canary(steps=[{"weight": 9}, {"weight": 5}, {"weight": 100}])), "must rise"),
        (json.dumps(_canary(progressDeadline="20s")), r"steps\[0\] .* can't end"),
        (
            json.dumps(_canary(steps=[{"weight": 100, "minDuration": "1m", "maxDuration": "1m"}])),
            "maxDuration 1m",
        ),
    ],
)
def test_what_is_wrong_is_said(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ManifestError, match=said):
        read(file)


def test_a_field_that_there_is_not_is_told_and_counts_for_nothing(file: Path) -> None:
    file.write_text(json.dumps(_body(spec={**SPEC, "guard": {"time": "1m"}})))
    trace = file.with_name("trace.jsonl")
    trace.write_text('{"t": 0, "release": "stable", "pod": "p"}')
    ran = CliRunner().invoke(app, ["replay", str(trace), "--manifest", str(file)])
    assert ran.exit_code == 0
    assert "there is no field spec.guard.time" in ran.stderr


def test_the_command_ends_with_2_where_a_file_cannot_be_used(file: Path) -> None:
    file.write_text(json.dumps(_body()))
    trace = file.with_name("trace.jsonl")
    trace.write_text("{")
    ran = CliRunner().invoke(app, ["replay", str(trace), "--manifest", str(file)])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "line 1" in ran.stderr
