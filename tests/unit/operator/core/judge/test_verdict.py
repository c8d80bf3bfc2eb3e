"""What the judge says to plain stories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spark_operator.core import judge
from spark_operator.core.judge import (
    Action,
    Actions,
    Mode,
    QueryRule,
    QueryValue,
    Sensitivity,
    ThresholdRule,
    VerdictKind,
    VerdictReason,
)
from tests.unit.operator.core.judge.trial import Pod, Trial

FAST = judge.plan_for(Sensitivity.FAST)
BALANCED = judge.plan_for(Sensitivity.BALANCED)
GOOD = {"requests": 1.0}
BAD = {"requests": 1.0, "failures_app": 1.0}


def test_four_failures_of_four_are_enough_in_fast() -> None:
    trial = Trial(FAST)
    found = trial.serve(4, BAD, GOOD)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.ERROR_RATE_CRITICAL)
    assert found.evidence[0].metric == "errorRate"
    assert "evidence" in found.message


def test_a_fail_stays_whatever_follows() -> None:
    trial = Trial(FAST)
    trial.serve(4, BAD, GOOD)
    assert trial.serve(600, GOOD, GOOD).kind == VerdictKind.FAIL


def test_total_failure_is_found_after_half_an_hour_of_health() -> None:
    trial = Trial(FAST)
    assert trial.serve(1800, GOOD, GOOD).kind == VerdictKind.PASS
    began = trial.at
    assert trial.serve(60, BAD, GOOD).kind == VerdictKind.FAIL
    assert trial.at - began <= 7


def test_health_passes_once_there_is_enough_of_it() -> None:
    trial = Trial(BALANCED)
    early = trial.serve(29, GOOD, GOOD)
    assert (early.kind, early.reason) == (VerdictKind.CONTINUE, VerdictReason.NOT_ENOUGH_EVIDENCE)
    found = trial.serve(120, GOOD, GOOD)
    assert (found.kind, found.reason) == (VerdictKind.PASS, VerdictReason.ERROR_RATE_BELOW_WARNING)
    assert found.evidence[0].bound is not None
    assert found.evidence[0].bound < 0.05
    assert found.step_requests == 149


def test_a_pass_is_earned_anew_at_every_weight() -> None:
    trial = Trial(FAST)
    assert trial.serve(120, GOOD, GOOD).kind == VerdictKind.PASS
    trial.state = judge.at_step(FAST, trial.state, trial.at)
    found = trial.serve(20, GOOD, GOOD)
    assert found.kind == VerdictKind.CONTINUE
    assert found.step_requests == 20


def test_what_happened_before_the_weight_changed_counts_for_no_pass() -> None:
    trial = Trial(FAST)
    trial.serve(10, GOOD, GOOD)
    trial.state = judge.at_step(FAST, trial.state, trial.at + 0.5)
    assert trial.serve(1, {"requests": 500.0}, GOOD).step_requests == 0


def test_evidence_for_a_fail_survives_a_new_weight() -> None:
    trial = Trial(FAST)
    trial.serve(2, BAD, GOOD)
    trial.state = judge.at_step(FAST, trial.state, trial.at)
    assert trial.serve(2, BAD, GOOD).kind == VerdictKind.FAIL


def test_silence_is_no_data() -> None:
    trial = Trial(replace(FAST, actions=Actions(unavailable=Action.NOTIFY)))
    trial.serve(60, GOOD, GOOD)
    trial.candidate[0].missed = True
    found = trial.serve(30, GOOD, GOOD)
    assert (found.kind, found.reason) == (VerdictKind.NO_DATA, VerdictReason.NO_SAMPLES)


def test_no_traffic_is_neither_pass_nor_fail() -> None:
    trial = Trial(FAST)
    assert trial.serve(300, {"requests": 0.0}, GOOD).kind == VerdictKind.CONTINUE


def test_what_both_fail_at_is_held_and_said() -> None:
    trial = Trial(FAST)
    trial.serve(60, GOOD, GOOD)
    half = {"requests": 2.0, "failures_provider": 1.0}
    found = trial.serve(600, half, half)
    assert (found.kind, found.reason) == (VerdictKind.CONTINUE, VerdictReason.SHARED_FAILURE)
    assert found.shared
    after = trial.serve(120, GOOD, GOOD)
    assert not after.shared


def test_alone_the_app_s_failures_count() -> None:
    trial = Trial(FAST)
    trial.serve(30, GOOD, {"requests": 0.0})
    assert trial.serve(60, BAD, {"requests": 0.0}).kind == VerdictKind.FAIL


def test_alone_a_provider_s_failures_are_held() -> None:
    trial = Trial(FAST)
    trial.serve(30, GOOD, {"requests": 0.0})
    found = trial.serve(300, {"requests": 1.0, "failures_provider": 1.0}, {"requests": 0.0})
    assert (found.kind, found.shared) == (VerdictKind.CONTINUE, True)


def test_client_errors_on_the_candidate_only_fail() -> None:
    found = Trial(FAST).serve(60, {"requests": 1.0, "client_errors": 1.0}, GOOD)
    assert (found.kind, found.reason) == (
        VerdictKind.FAIL,
        VerdictReason.CLIENT_ERRORS_ABOVE_STABLE,
    )


def test_client_errors_on_both_sides_do_not_count() -> None:
    half = {"requests": 2.0, "client_errors": 1.0}
    assert Trial(FAST).serve(300, half, half).kind == VerdictKind.PASS


def test_slow_answers_hold_but_not_if_stable_is_as_slow() -> None:
    slow = {"requests": 4.0, "slow": 1.0}
    found = Trial(FAST).serve(300, slow, {"requests": 4.0})
    assert found.kind == VerdictKind.CONTINUE
    assert {w.reason for w in found.warnings} >= {VerdictReason.LATENCY_WARNING}
    assert Trial(FAST).serve(300, slow, slow).kind == VerdictKind.PASS


def test_latency_rolls_back_if_told_to() -> None:
    plan = replace(FAST, actions=Actions(latency=Action.ROLLBACK))
    found = Trial(plan).serve(300, {"requests": 2.0, "slow": 1.0}, GOOD)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.LATENCY_WARNING)


def test_a_cold_cache_only_notifies() -> None:
    missing = {"requests": 1.0, "cache_misses": 1.0}
    found = Trial(FAST).serve(200, missing, {"requests": 1.0, "cache_hits": 1.0})
    assert found.kind == VerdictKind.PASS
    assert [w.reason for w in found.warnings] == [VerdictReason.CACHE_HIT_RATE_LOW]


def _breaker(pod: Pod, state: str) -> None:
    pod.values = replace(pod.values, breakers=(("claude", state), ("openai", "closed")))


def test_a_breaker_open_on_the_candidate_only_fails_after_30_s_half_open_or_not() -> None:
    trial = Trial(FAST)
    trial.serve(10, GOOD, GOOD)
    _breaker(trial.candidate[0], "open")
    assert trial.serve(15, GOOD, GOOD).kind != VerdictKind.FAIL
    _breaker(trial.candidate[0], "half-open")
    began = trial.at
    found = trial.serve(30, GOOD, GOOD)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.BREAKER_OPEN)
    assert trial.at - began <= 16


def test_a_breaker_open_on_both_sides_is_shared() -> None:
    trial = Trial(FAST)
    for pod in (*trial.candidate, trial.stable[0]):
        _breaker(pod, "open")
    found = trial.serve(600, GOOD, GOOD)
    assert (found.kind, found.shared) == (VerdictKind.CONTINUE, True)


def test_one_pod_of_three_does_not_decide() -> None:
    pods = [Pod(f"c{i}") for i in range(3)]
    trial = Trial(FAST, candidate=pods, stable=[Pod(f"s{i}") for i in range(27)])
    for _ in range(300):
        pods[0].add(**BAD)
        for pod in (*pods[1:], *trial.stable):
            pod.add(**GOOD)
        assert trial.look().kind != VerdictKind.FAIL


def test_all_three_pods_decide_at_once() -> None:
    pods = [Pod(f"c{i}") for i in range(3)]
    trial = Trial(FAST, candidate=pods, stable=[Pod(f"s{i}") for i in range(27)])
    assert trial.serve(2, BAD, GOOD).kind == VerdictKind.FAIL


def test_the_default_waits_for_blocks() -> None:
    trial = Trial(BALANCED)
    assert trial.serve(25, BAD, GOOD).kind != VerdictKind.FAIL
    assert trial.serve(45, BAD, GOOD).kind == VerdictKind.FAIL


def test_a_cold_start_is_forgiven_by_the_default() -> None:
    trial = Trial(BALANCED)
    trial.candidate[0].started_at = trial.at
    for second in range(90):
        trial.candidate[0].add(1.0, failures_app=float(second % 25 == 0))
        for pod in trial.stable:
            pod.add(**GOOD)
        assert trial.look().kind != VerdictKind.FAIL


def test_a_query_out_of_bounds_rolls_back_unless_stable_s_is_too() -> None:
    rule = QueryRule(name="queueDepth", max=100.0, max_ratio=2.0)
    plan = replace(FAST, queries=(rule,))
    trial = Trial(plan)
    for _ in range(300):
        assert trial.look(QueryValue("queueDepth", 500.0, 400.0)).kind != VerdictKind.FAIL
    found = trial.verdict()
    for _ in range(150):
        found = trial.look(QueryValue("queueDepth", 500.0, 40.0))
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.QUERY_OUT_OF_BOUNDS)


def test_a_query_without_an_answer_says_nothing() -> None:
    plan = replace(FAST, queries=(QueryRule(name="q", min=1.0),))
    trial = Trial(plan)
    for _ in range(200):
        assert trial.look(QueryValue("q", None)).kind != VerdictKind.FAIL
        assert trial.look(QueryValue("q", float("nan"))).kind != VerdictKind.FAIL


@pytest.fixture
def classic() -> judge.JudgePlan:
    rule = ThresholdRule(interval_seconds=10.0, failure_limit=1, successes=3)
    return replace(FAST, mode=Mode.THRESHOLD, threshold=rule)


def test_the_classic_way_counts_failed_checks(classic: judge.JudgePlan) -> None:
    found = Trial(classic).serve(60, BAD, GOOD)
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.CHECKS_FAILED)


def test_the_classic_way_passes_after_enough_checks(classic: judge.JudgePlan) -> None:
    trial = Trial(classic)
    assert trial.serve(20, GOOD, GOOD).kind == VerdictKind.CONTINUE
    assert trial.serve(15, GOOD, GOOD).reason == VerdictReason.CHECKS_PASSED


def test_the_classic_way_blames_nobody_for_what_both_share(classic: judge.JudgePlan) -> None:
    assert Trial(classic).serve(120, BAD, BAD).kind == VerdictKind.CONTINUE


def test_the_classic_way_counts_no_check_without_traffic(classic: judge.JudgePlan) -> None:
    assert Trial(classic).serve(120, {"requests": 0.0}, GOOD).kind == VerdictKind.CONTINUE


def test_another_latency_bound_in_the_middle_counts_nothing_twice() -> None:
    trial = Trial(FAST)
    trial.serve(60, {"requests": 100.0, "failures_app": 1.0, "slow": 10.0}, {"requests": 100.0})
    before = trial.state.recent["errorRate"].n
    trial.plan = replace(FAST, latency_bound=5.0, latency_shift_bounds=(1.0, 2.5, 10.0))
    assert trial.serve(2, {"requests": 0.0}, {"requests": 0.0}).kind != VerdictKind.FAIL
    assert trial.state.recent["errorRate"].n < before
    with pytest.raises(judge.JudgeStateError, match="start anew"):
        judge.decode(FAST, judge.encode(trial.state))
