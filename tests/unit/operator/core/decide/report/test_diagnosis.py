"""From pods' metrics pages to what the operator says about the runbook's common issues."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from spark_operator.adapters.metrics.exposition import VITALS, vitals
from spark_operator.api.fields import to_time
from spark_operator.api.status.status import Finding, HistoryEntry
from spark_operator.core.decide.decide import decide
from spark_operator.core.decide.report.wording import about, percent
from spark_operator.core.observe.vitals import Checked, Round, Trend, keep
from tests.unit.operator.core.builders import (
    IMAGES,
    NOW,
    name,
    pod,
    resource,
    seen,
    status,
    workload,
)

ROOT: Final = Path(__file__).resolve().parents[6]
WELL: Final = {
    'api_generate_total{status_class="2xx",origin="none",attempt="first"}': 300.0,
    'spark_generation_duration_seconds_bucket{le="10"}': 300.0,
    'spark_generation_duration_seconds_bucket{le="+Inf"}': 300.0,
    'spark_cache_requests_total{result="hit"}': 200.0,
    'spark_cache_requests_total{result="miss"}': 100.0,
    'spark_circuit_breaker_state{provider="claude",state="closed"}': 1.0,
    'spark_circuit_breaker_state{provider="claude",state="open"}': 0.0,
    'spark_provider_key_present{provider="claude"}': 1.0,
    'spark_provider_keys_accepted{provider="claude"}': 1.0,
    'spark_provider_duration_seconds_sum{provider="claude"}': 200.0,
    'spark_provider_duration_seconds_count{provider="claude"}': 100.0,
    "spark_cpu_periods_total": 300.0,
    "spark_cpu_throttled_periods_total": 10.0,
    "spark_memory_working_set_bytes": 1e8,
    "spark_memory_limit_bytes": 1e9,
}
BREAKER: Final = 'spark_circuit_breaker_state{provider="claude",state="closed"}'
FAILED: Final = 'api_generate_total{status_class="5xx",origin="provider",attempt="first"}'
SLOW: Final = {
    'spark_generation_duration_seconds_bucket{le="10"}': 200.0,
    'spark_generation_duration_seconds_bucket{le="+Inf"}': 300.0,
}
FAILURES: Final = 'spark_provider_failures_total{provider="claude",kind="%s"}'
ACCEPTED: Final = 'spark_provider_keys_accepted{provider="claude"}'


def page(values: dict[str, float]) -> bytes:
    return "".join(f"{series} {value}\n" for series, value in values.items()).encode()


def rounds(after: dict[str, float], pods: int = 2, **changes: Any) -> tuple[Round, ...]:
    """A minute in which each pod's counters rose to ``after``; all were well at 0."""
    then = {key: value if _is_gauge(key) else 0.0 for key, value in WELL.items()}
    now = WELL | after
    old = {key: then.get(key, now[key] if _is_gauge(key) else 0.0) for key in now}
    both = [(NOW - 60, old, {"restarts": 0} if "restarts" in changes else changes)]
    both.append((NOW, now, changes))
    return tuple(
        Round(
            at,
            tuple(Checked(pod(1, number, **more), vitals(page(values))) for number in range(pods)),
        )
        for at, values, more in both
    )


def _is_gauge(series: str) -> bool:
    return not re.match(r".*(_total|_sum|_count|_bucket)(\{|$)", series)


def diagnosed(found: tuple[Round, ...], **more: Any) -> tuple[Finding, ...]:
    world = replace(seen(workload(1, 4)), rounds=found)
    return decide(resource(1, status("Stable", **more)), world, NOW).status.diagnosis


def only(found: tuple[Finding, ...], symptom: str) -> str:
    assert {item.symptom for item in found} == {symptom}
    return " | ".join(item.message for item in found)


def test_where_all_is_well_nothing_is_said() -> None:
    assert diagnosed(rounds({})) == ()


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({}, "nothing that is measured explains it"),
        ({ACCEPTED: 0.0}, "claude refuses its key on 2 of 2 pods: check secrets.anthropicAPIKey"),
        ({FAILURES % "timeout": 50.0}, "calls to claude fail; mostly timeout"),
        (
            {
                'spark_provider_quota_limit{provider="claude",resource="tokens"}': 1000.0,
                'spark_provider_quota_remaining{provider="claude",resource="tokens"}': 10.0,
            },
            "1% of the tokens quota at claude is left",
        ),
    ],
)
def test_high_error_rates(after: dict[str, float], says: str) -> None:
    said = only(diagnosed(rounds({FAILED: 60.0} | after)), "HighErrorRates")
    assert "15% of about 700 requests failed lately, 100% of them at a provider" in said
    assert says in said


def test_a_breaker_that_is_open_fails_the_health_check_and_says_what_opened_it() -> None:
    found = diagnosed(rounds({BREAKER: 0.0, FAILURES % "server": 9.0}))
    said = only(found, "HealthCheckFailing")
    assert "the breaker of claude is not closed on 2 of 2 pods; mostly server" in said


def test_pods_that_stay_unready_are_named_with_the_kubelets_words() -> None:
    found = diagnosed(rounds({}, ready=False, trouble="ImagePullBackOff: no such image"))
    said = only(found, "HealthCheckFailing")
    assert "2 of 2 pods are not ready" in said
    assert "ImagePullBackOff: no such image" in said


def test_a_pod_that_is_only_starting_is_no_symptom() -> None:
    first, last = rounds({})
    young = Checked(pod(1, 9, ready=False), None)
    assert diagnosed((first, last._replace(pods=(*last.pods, young)))) == ()


def test_out_of_memory_is_said_where_the_health_check_fails() -> None:
    found = diagnosed(rounds({BREAKER: 0.0}, restarts=2, oom_killed=True))
    assert "ran out of memory" in only(found, "HealthCheckFailing")


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({}, "nothing that is measured explains it"),
        ({'spark_cache_requests_total{result="hit"}': 10.0}, "look-ups are found in the cache"),
        (
            {'spark_provider_duration_seconds_sum{provider="claude"}': 1200.0},
            "a call to claude takes 10 s",
        ),
        (
            {
                'spark_provider_connections{provider="claude",state="in_use"}': 19.0,
                'spark_provider_connections{provider="claude",state="max"}': 20.0,
            },
            "connections to claude are all in use (at most 20 for each pod)",
        ),
        (
            {
                'spark_database_pool{state="in_use"}': 10.0,
                'spark_database_pool{state="max"}': 10.0,
            },
            "connections to PostgreSQL are all in use",
        ),
        ({"spark_cpu_throttled_periods_total": 150.0}, "holds the pods back in 50% of the time"),
        ({"spark_memory_working_set_bytes": 9.5e8}, "95% of its memory"),
    ],
)
def test_slow_response_times(after: dict[str, float], says: str) -> None:
    said = only(diagnosed(rounds(SLOW | after)), "SlowResponseTimes")
    assert "35% of about 600 generations took longer than 10s" in said
    assert says in said


def test_rate_limiting_names_the_keys() -> None:
    after = {
        "spark_rate_limited_total": 100.0,
        'spark_rate_limited_recent{key_id="user-7"}': 90.0,
        'spark_rate_limited_recent{key_id="other"}': 10.0,
    }
    said = only(diagnosed(rounds(after)), "RateLimiting")
    assert "about 200 requests were answered 429" in said
    assert "user-7 90%, other 10%" in said


def test_rate_limiting_says_where_the_keys_are_that_metrics_do_not_name() -> None:
    after = {
        "spark_rate_limited_total": 100.0,
        'spark_rate_limited_recent{key_id="other"}': 100.0,
    }
    said = only(diagnosed(rounds(after)), "RateLimiting")
    assert "SPARK_METRICS_KEY_IDS" in said
    assert "access logs" in said


def test_a_release_of_the_last_hour_is_named() -> None:
    promoted = HistoryEntry(
        release=name(1),
        image=IMAGES[1],
        outcome="Promoted",
        started_at=to_time(NOW - 700),
        ended_at=to_time(NOW - 600),
        reason="Passed",
    )
    found = diagnosed(rounds({FAILED: 60.0}), history=(promoted,))
    assert "is stable since" in only(found, "HighErrorRates")


def test_the_condition_has_the_most_telling_finding() -> None:
    after = {FAILED: 60.0, ACCEPTED: 0.0, **SLOW}
    world = replace(seen(workload(1, 4)), rounds=rounds(after))
    after_status = decide(resource(1, status("Stable")), world, NOW).status
    condition = next(c for c in after_status.conditions if c.type == "Diagnosis")
    assert (condition.status, condition.reason) == ("True", "HighErrorRates")
    assert "refuses its key" in condition.message
    assert {item.symptom for item in after_status.diagnosis} == {
        "HighErrorRates",
        "SlowResponseTimes",
    }


def test_at_most_eight_findings_and_no_long_ones() -> None:
    after = {
        FAILED: 90.0,
        BREAKER: 0.0,
        ACCEPTED: 0.0,
        **SLOW,
        "spark_rate_limited_total": 500.0,
        "spark_cpu_throttled_periods_total": 250.0,
        "spark_memory_working_set_bytes": 9.9e8,
        'spark_cache_requests_total{result="hit"}': 1.0,
    }
    found = diagnosed(rounds(after, ready=False, trouble="x" * 2000))
    assert len(found) == 8
    assert max(len(item.message) for item in found) <= 512


def test_one_round_alone_changes_nothing() -> None:
    known = (Finding(symptom="RateLimiting", message="as before"),)
    assert diagnosed(rounds({})[-1:], diagnosis=known) == known
    assert diagnosed((), diagnosis=known) == known
    assert diagnosed(rounds({}), diagnosis=known) == ()


def test_only_a_new_round_says_something_new() -> None:
    known = (Finding(symptom="RateLimiting", message="as before"),)
    world = replace(seen(workload(1, 4)), rounds=rounds({FAILED: 60.0}))
    given = resource(1, status("Stable", diagnosis=known))
    assert decide(given, world, NOW + 5.1).status.diagnosis == known
    assert decide(given, world, NOW + 4.9).status.diagnosis != known


def test_a_state_that_lasts_says_the_same() -> None:
    first = diagnosed(rounds({FAILED: 60.0}))
    assert diagnosed(rounds({FAILED: 61.0})) == first


def test_a_counter_that_fell_counts_from_zero() -> None:
    first, last = rounds({})
    trend = Trend((last, first._replace(at=NOW + 60)))
    assert trend.gain("api_generate_total") == 0.0
    again = rounds({'api_generate_total{status_class="2xx",origin="none",attempt="first"}': 5.0})
    assert Trend((last, again[-1])).gain("api_generate_total") == 10.0


def test_old_rounds_are_let_go() -> None:
    kept: tuple[Round, ...] = ()
    for second in range(0, 600, 30):
        kept = keep(kept, Round(float(second), ()))
    assert [item.at for item in kept] == [480.0, 510.0, 540.0, 570.0]
    assert keep(kept, Round(9_999.0, ())) == (Round(9_999.0, ()),)


def test_what_is_read_is_what_the_service_says_it_exposes() -> None:
    told = (ROOT / "docs" / "app.md").read_text()
    for metric in VITALS:
        base = re.sub(r"_(sum|count|bucket)$", "", metric)
        assert base in told, f"docs/app.md does not name {metric}"


def test_hostile_values_and_labels_are_not_shown() -> None:
    hostile = (
        b'spark_rate_limited_recent{key_id="a\\nb<script>' + b"y" * 100 + b'"} 3\n'
        b'spark_rate_limited_recent{key_id="nan"} NaN\n'
        b'spark_rate_limited_recent{key_id="minus"} -1\n'
    )
    (found,) = vitals(hostile)
    assert len(found.labels["key_id"]) == 64
    assert found.labels["key_id"].startswith("a?b?script?")


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0"), (9, "9"), (14, "10"), (360, "400"), (1499, "1,000")]
)
def test_counts_in_words(number: float, words: str) -> None:
    assert about(number) == words


@pytest.mark.parametrize(("share", "words"), [(0.004, "0.4%"), (0.12, "10%"), (0.98, "100%")])
def test_shares_in_words(share: float, words: str) -> None:
    assert percent(share) == words
