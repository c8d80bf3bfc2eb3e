"""A trace through the real decisions: every outcome there is, and traces that cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from spark_operator.api.resource import SparkDeployment, parse
from spark_operator.cli import app
from spark_operator.core.replay import TraceError, frames, replay

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


def test_a_step_that_is_never_decided_is_inconclusive_at_its_deadline() -> None:
    quiet = [json.dumps({"t": t, "release": "stable", "pod": "s"}) for t in range(1, 700)]
    result = replay(_resource(), frames(quiet))
    assert result.outcome == "inconclusive"


def test_a_trace_that_ends_early_is_running() -> None:
    result = replay(_resource(), frames(_lines(20)))
    assert result.outcome == "running"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not a reading"),
        ('{"t": 1, "release": "stable"}', "not a reading"),
        ('{"t": 1, "release": "canary", "pod": "p"}', "stable"),
        ('{"t": -1, "release": "stable", "pod": "p"}', "seconds from 0"),
        ('{"t": 1, "release": "stable", "pod": "p", "requests": "many"}', "not a reading"),
    ],
)
def test_a_line_out_of_form_is_named(line: str, said: str) -> None:
    good = '{"t": 0, "release": "stable", "pod": "p"}'
    with pytest.raises(TraceError, match=f"line 2: .*{said}"):
        list(frames([good, line]))


def test_time_that_runs_backwards_is_named() -> None:
    lines = [f'{{"t": {t}, "release": "stable", "pod": "p"}}' for t in (5, 3)]
    with pytest.raises(TraceError, match="line 2"):
        list(frames(lines))


def test_an_empty_trace_is_refused() -> None:
    with pytest.raises(TraceError, match="empty"):
        replay(_resource(), frames([]))


def test_the_command_prints_json_for_a_manifest(tmp_path: Path) -> None:
    trace, manifest = tmp_path / "trace.jsonl", tmp_path / "spark.json"
    trace.write_text("\n".join(_lines(120, candidate=lambda _: 1.0)))
    body = {"kind": "SparkDeployment", **_resource().to_dict()}
    manifest.write_text(json.dumps(body))
    arguments = ["replay", str(trace), "--manifest", str(manifest), "--output", "json"]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["outcome"] == "rolled-back"


def test_the_command_says_what_is_wrong_with_a_manifest(tmp_path: Path) -> None:
    trace, manifest = tmp_path / "trace.jsonl", tmp_path / "spark.yaml"
    trace.write_text('{"t": 0, "release": "stable", "pod": "p"}')
    manifest.write_text("kind: Deployment")
    ran = CliRunner().invoke(app, ["replay", str(trace), "--manifest", str(manifest)])
    assert ran.exit_code == 2
    assert "no object of kind SparkDeployment" in ran.stderr
