"""The rules as a real Prometheus evaluates them, the runbook's thresholds, and what goes along."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.services import ensure

HERE = Path(__file__).resolve().parent
MONITORING = HERE.parents[2] / "manifests" / "monitoring"
RULES = MONITORING / "rules.yaml"
RUNBOOK = {
    "SparkErrorRateCritical": ("critical", "> 0.10"),
    "SparkErrorRateWarning": ("warning", "> 0.05"),
    "SparkCircuitBreakerOpen": ("critical", 'state="open"'),
    "SparkLatencyP95High": ("warning", "> 10"),
    "SparkCacheHitRateLow": ("warning", "< 0.50"),
}
"""Alert, severity and threshold by the runbook; the breaker's is its duration."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(*arguments: str) -> str:
    tool = Path(ensure("prometheus")).with_name("promtool")
    done = subprocess.run(  # noqa: S603
        [str(tool), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alerts_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    cases = tmp_path / "rules.test.yaml"
    cases.write_text((HERE / "rules.test.yaml").read_text().replace("RULES", str(RULES)))
    assert "SUCCESS" in promtool("test", "rules", str(cases))


def test_every_alert_has_a_case() -> None:
    cases = (HERE / "rules.test.yaml").read_text()
    tried = set(re.findall(r"alertname: (\w+)", cases))
    assert {rule["alert"] for rule in rules() if "alert" in rule} == tried


@pytest.mark.parametrize("name", RUNBOOK)
def test_the_runbooks_thresholds_are_there(name: str) -> None:
    severity, threshold = RUNBOOK[name]
    rule = next(rule for rule in rules() if rule.get("alert") == name)
    assert rule["labels"]["severity"] == severity
    assert threshold in rule["expr"]
    assert name != "SparkCircuitBreakerOpen" or rule["for"] == "5m"


def test_alerts_about_a_release_carry_what_the_operator_reads() -> None:
    about = {rule["alert"]: rule["expr"] for rule in rules() if "alert" in rule}
    assert "by (namespace, spark_deployment, release" in about["SparkLatencyP95High"]
    # A provider may be to blame: an alert that names the release would roll it back at once.
    assert "release" not in about["SparkCircuitBreakerOpen"]


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    board = json.loads((MONITORING / "dashboard.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    made = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": made}]}))
    assert f"{len(queries)} rules found" in promtool("check", "rules", str(file))
