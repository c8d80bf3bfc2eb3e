"""What is said about sources and queries, as a user reads it at ``kubectl apply``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.operator.core.builders import body

if TYPE_CHECKING:
    from tests.integration.conftest import Kubectl

pytestmark = pytest.mark.integration

PROMETHEUS = {"prometheus": {"address": "http://prometheus.monitoring:9090"}}
QUERY = {"name": "queue", "query": 'max(queue{release="{{candidate}}"})', "max": 10}


def with_query(**changes: Any) -> dict[str, Any]:
    return {"source": PROMETHEUS, "queries": [{**QUERY, **changes}]}


def address(text: str) -> dict[str, Any]:
    return {"source": {"prometheus": {"address": text}}}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "both sources": ({"source": {"pods": {}, **PROMETHEUS}}, "two sources are named"),
    "queries without Prometheus": ({"queries": [QUERY]}, "set source.prometheus.address"),
    "no bound": ({"source": PROMETHEUS, "queries": [{"name": "a", "query": "up"}]}, "set max, min"),
    "min above max": (with_query(min=11), "lower min or raise max"),
    "ratio without candidate": (with_query(query="up", maxRatio=2), "must hold {{candidate}}"),
    "unknown placeholder": (with_query(query="up{{pod}}"), "in double braces write namespace"),
    "the same name twice": ({"source": PROMETHEUS, "queries": [QUERY, QUERY]}, "Duplicate value"),
    "credentials in the address": (address("http://a:b@prometheus"), "without credentials"),
    "a query in the address": (address("http://prometheus/?query=up"), "without credentials"),
    "another scheme": (address("file:///etc/passwd"), "write http:// or https://"),
    "too long a timeout": (
        {"source": {"prometheus": {**PROMETHEUS["prometheus"], "queryTimeout": "3s"}}},
        "from 100ms to 2s",
    ),
}


def applied(kubectl: Kubectl, namespace: str, analysis: dict[str, Any]) -> tuple[int, str]:
    made = body(1, analysis=analysis)
    made["metadata"] = {"name": "spark", "namespace": namespace}
    done = kubectl.try_run(
        "apply", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(made)
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_with_the_cure(kubectl: Kubectl, name: str) -> None:
    analysis, says = WRONG[name]
    code, said = applied(kubectl, "default", analysis)
    assert code != 0
    assert says in said


def test_what_is_left_out_is_filled_in(kubectl: Kubectl) -> None:
    assert '"source": {}' in applied(kubectl, "default", {"sensitivity": "fast"})[1]
    code, said = applied(kubectl, "default", with_query(maxRatio=1.5))
    assert code == 0, said
    analysis = json.loads(said)["spec"]["analysis"]
    assert analysis["source"]["prometheus"]["scrapeInterval"] == "5s"
    assert "pods" not in analysis["source"]
    assert analysis["queries"][0]["action"] == "Rollback"


def test_a_prometheus_can_be_named_later_and_left_out_again(
    kubectl: Kubectl, namespace: str
) -> None:
    made = body(1)
    made["metadata"] = {"name": "spark", "namespace": namespace}
    sources: tuple[dict[str, Any], ...] = (PROMETHEUS, {"pods": {}}, PROMETHEUS)
    for analysis in ({}, *({"source": source} for source in sources)):
        made["spec"]["analysis"] = analysis
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(made))
