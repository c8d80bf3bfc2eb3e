"""Flux's health expressions on the same resources as Argo CD's check."""

from __future__ import annotations

from pathlib import Path

import cel
import pytest
import yaml

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"
EXPRESSIONS = yaml.safe_load((MANIFESTS / "gitops/flux/spark.yaml").read_text())["spec"][
    "healthCheckExprs"
][0]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("healthy", "current"),
        ("guarding", "current"),
        ("progressing", "inProgress"),
        ("paused", "inProgress"),
        ("provider-down", "inProgress"),
        ("rolling-back", "inProgress"),
        ("rolled-back", "failed"),
        ("inconclusive", "failed"),
        ("stale", "inProgress"),
    ],
)
def test_exactly_one_expression_holds(name: str, state: str) -> None:
    path = MANIFESTS / f"gitops/argocd/SparkDeployment/testdata/{name}.yaml"
    resource = yaml.safe_load(path.read_text())
    holding = {
        kind
        for kind in ("failed", "inProgress", "current")
        if cel.evaluate(EXPRESSIONS[kind], resource)
    }
    assert holding == {state}


def test_expressions_are_for_this_resource() -> None:
    assert (EXPRESSIONS["apiVersion"], EXPRESSIONS["kind"]) == (
        "spark.dev/v1alpha1",
        "SparkDeployment",
    )
