"""Quantities are written in the one form that the apiserver keeps as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from spark_operator.api.values import canonical_quantity

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

KNOWN = (
    *("0", "0Gi", "0.0", "1", "1000m", "1500m", "1.5", "0.25", "0.5Gi", "1024Mi", "1048576Ki"),
    *("1.5Ki", "0.5Ki", "1023.5Ki", "1024", "1024Ki", "2000Mi", "1000k", "12345678", "1P", "1Pi"),
    *("0.000000001", "0.0000001m", "1.000000001Ki", "999999m", "1000000m", "100.10"),
)
UNITS = ("", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti")
numbers = st.integers(0, 9_000).map(str) | st.decimals(0, 9_000, places=3).map(str)
quantities = st.builds("{}{}".format, numbers, st.sampled_from(UNITS))


def stored(kubectl: Kubectl, texts: list[str]) -> list[str]:
    """Each text as the apiserver gives it back, in one pod that is not kept."""
    containers = [
        {"name": f"c{i}", "image": "a", "resources": {"requests": {"memory": text}}}
        for i, text in enumerate(texts)
    ]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "quantities"},
        "spec": {"containers": containers},
    }
    answer = kubectl.json("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    return [item["resources"]["requests"]["memory"] for item in answer["spec"]["containers"]]


def amounts(texts: list[str]) -> list[Decimal]:
    """As the official client reads them, which is another reader than ours."""
    return [parse_quantity(text) for text in texts]  # type: ignore[no-untyped-call]


def check(kubectl: Kubectl, texts: list[str]) -> None:
    canonical = [canonical_quantity(text) for text in texts]
    assert stored(kubectl, canonical) == canonical
    assert amounts(canonical) == amounts(stored(kubectl, texts))


def test_known_forms(kubectl: Kubectl) -> None:
    check(kubectl, list(KNOWN))
    assert [canonical_quantity(text) for text in ("1.5", "0.5Gi", "1000m", "1.001Ki")] == [
        "1500m",
        "512Mi",
        "1",
        "1025024m",
    ]


@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(quantities, min_size=50, max_size=50))
def test_any_form(kubectl: Kubectl, texts: list[str]) -> None:
    check(kubectl, texts)
