"""A trace through the real decisions: every outcome there is, and traces that cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from spark_operator.api.resource import SparkDeployment, parse
from spark_operator.commands.cli import app
from spark_operator.replay import frames, replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROLES = ("candidate", "stable")
PER_SECOND = {"candidate": 10, "stable": 90}


def _healthy(_: int) -> float:
    return 0.005


def _lines(
    seconds: int,
    *,
    candidate: Callable[[int], float] = _healthy,
    stable: Callable[[int], float] = _healthy,
    gone_at: int | None = None,
) -> Iterator[str]:
    """Error rates are functions of the second; after ``gone_at`` the candidate is silent."""
    rates = {"candidate": candidate, "stable": stable}
    errors = dict.fromkeys(ROLES, 0.0)
    for second in range(1, seconds + 1):
        for role in ROLES:
            requests = PER_SECOND[role] * second
            errors[role] += PER_SECOND[role] * rates[role](second)
            if role == "candidate" and gone_at is not None and second > gone_at:
                continue
            yield json.dumps(
                {
                    "t": second,
                    "release": role,
                    "pod": f"{role}-0",
                    "requests": requests,
                    "errors": int(errors[role]),
                    "latency_buckets": {"10": requests, "+Inf": requests},
                    "cache_hits": requests,
                    "cache_misses": 0,
                    "breakers": {"claude": "closed"},
                }
            )


def _resource(**spec: object) -> SparkDeployment:
    return parse(
        {
            "kind": "SparkDeployment",
            "metadata": {"name": "spark", "namespace": "default"},
            "spec": {
                "image": "spark:2",
                "secrets": {"anthropicAPIKey": {"name": "a", "key": "b"}},
                "guard": {"duration": "1m"},
                **spec,
            },
        }
    )


def test_a_healthy_trace_is_promoted() -> None:
    result = replay(_resource(), frames(_lines(900)))
    assert result.outcome == "promoted"
    assert [d["weight"] for d in result.decisions if d["decision"] == "StepAdvanced"] == [25, 50]
    assert result.decisions[-1]["phase"] == "Stable"


def test_a_failing_candidate_is_rolled_back_with_its_evidence() -> None:
    result = replay(_resource(), frames(_lines(300, candidate=lambda _: 0.5)))
    assert result.outcome == "rolled-back"
    assert result.reason in ("ErrorRateCritical", "ErrorRateAboveStable")
    last = result.decisions[-1]
    assert (last["phase"], last["weight"]) == ("RolledBack", 0)
    assert last["evidence"]


def test_a_fault_during_the_guard_is_rolled_back() -> None:
    def late(second: int) -> float:
        return 0.5 if second > 400 else 0.005

    result = replay(_resource(guard={"duration": "1h"}), frames(_lines(600, candidate=late)))
    assert result.outcome == "rolled-back"
    assert result.at > 400
    assert "Promoted" in [decision["decision"] for decision in result.decisions]


def test_an_outage_that_both_share_is_held() -> None:
    def outage(_: int) -> float:
        return 0.3

    result = replay(_resource(), frames(_lines(240, candidate=outage, stable=outage)))
    assert (result.outcome, result.reason) == ("held", "SharedFailure")


def test_a_candidate_that_falls_silent_is_rolled_back() -> None:
    result = replay(_resource(), frames(_lines(120, gone_at=20)))
    assert (result.outcome, result.reason) == ("rolled-back", "CandidateUnavailable")
    assert result.at == 30


def test_a_step_that_is_never_decided_is_inconclusive_at_its_deadline() -> None:
    quiet = [json.dumps({"t": t, "release": "stable", "pod": "s"}) for t in range(1, 700)]
    result = replay(_resource(), frames(quiet))
    assert result.outcome == "inconclusive"


def test_a_trace_that_ends_early_is_running() -> None:
    result = replay(_resource(), frames(_lines(20)))
    assert result.outcome == "running"


def test_a_fault_that_both_share_after_promotion_is_not_the_releases() -> None:
    def outage(second: int) -> float:
        return 0.3 if second > 400 else 0.005

    lines = _lines(1000, candidate=outage, stable=outage)
    result = replay(_resource(guard={"duration": "1h"}), frames(lines))
    assert result.outcome == "promoted"
    assert result.decisions[-1]["reason"] == "SharedFailure"


@pytest.mark.parametrize("sensitivity", ["fast", "balanced", "robust"])
def test_a_rollout_goes_on_after_an_outage_that_both_share(sensitivity: str) -> None:
    def outage(second: int) -> float:
        return 0.3 if 40 < second <= 640 else 0.005

    lines = _lines(1600, candidate=outage, stable=outage)
    resource = _resource(analysis={"sensitivity": sensitivity})
    result = replay(resource, frames(lines))
    assert "SharedFailure" in [decision["reason"] for decision in result.decisions]
    assert result.outcome == "promoted"


def test_what_both_fail_at_is_rolled_back_where_that_is_wished() -> None:
    def outage(_: int) -> float:
        return 0.3

    resource = _resource(rollback={"onSharedFailure": "Rollback"})
    result = replay(resource, frames(_lines(240, candidate=outage, stable=outage)))
    assert (result.outcome, result.reason) == ("rolled-back", "SharedFailure")


def test_readiness_alone_is_enough_where_that_is_wished() -> None:
    lines = [
        json.dumps({"t": t, "release": role, "pod": "p", "requests": 0, "errors": 0})
        for t in range(200)
        for role in ROLES
    ]
    resource = _resource(analysis={"onLowTraffic": "ReadinessOnly"})
    assert replay(resource, frames(lines)).outcome == "promoted"


def test_every_decision_says_what_it_stands_on() -> None:
    result = replay(_resource(), frames(_lines(900)))
    for decision in result.decisions:
        assert decision["verdict"] in ("Pass", "Fail", "Continue", "NoData")
        assert decision["metric"] == decision["evidence"][0]["metric"]
        assert decision["reason"]
    weights = [decision["weight"] for decision in result.decisions]
    assert weights == sorted(weights)
    assert weights[-1] == 100


@pytest.mark.parametrize("start", [-500.0, 0.37, 1_764_000_000.123])
def test_a_trace_may_begin_at_any_time_and_its_lines_be_in_any_order(start: float) -> None:
    lines = list(_lines(300, candidate=lambda _: 0.5))
    expected = replay(_resource(), frames(lines))
    moved = [{**item, "t": item["t"] + start} for item in map(json.loads, reversed(lines))]
    result = replay(_resource(), frames(map(json.dumps, moved)))
    assert result.outcome == expected.outcome == "rolled-back"
    assert result.at == pytest.approx(expected.at + start)


def test_what_the_first_lines_count_is_the_trials() -> None:
    first = [
        {"t": 1, "release": role, "pod": role, "requests": 1, "errors": int(role == "candidate")}
        for role in ROLES
    ]
    result = replay(_resource(), frames(map(json.dumps, first)))
    assert result.decisions[-1]["evidence"][0]["n"] == 1


@pytest.mark.parametrize("every", [2, 4, 10])
def test_releases_that_are_read_in_turn_are_all_there(every: int) -> None:
    turns = {"candidate": 0, "stable": every // 2}
    lines = [
        line
        for line in _lines(900)
        if (item := json.loads(line))["t"] % every == turns[item["release"]]
    ]
    assert replay(_resource(), frames(lines)).outcome == "promoted"


def test_candidate_pods_that_others_replace_are_not_missed() -> None:
    lines = [
        json.dumps({**item, "pod": f"{item['release']}-{pod}"})
        for item in map(json.loads, _lines(300))
        for pod in range(1 if item["t"] > 100 else 3)
    ]
    assert replay(_resource(), frames(lines)).outcome != "rolled-back"


def test_the_command_prints_json_for_a_manifest(tmp_path: Path) -> None:
    trace, manifest = tmp_path / "trace.jsonl", tmp_path / "spark.json"
    trace.write_text("\n".join(_lines(120, candidate=lambda _: 1.0)))
    body = {"kind": "SparkDeployment", **_resource().to_dict()}
    manifest.write_text(json.dumps(body))
    arguments = ["replay", str(trace), "--manifest", str(manifest), "--output", "json"]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["outcome"] == "rolled-back"
