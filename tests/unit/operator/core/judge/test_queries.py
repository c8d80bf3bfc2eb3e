"""An own query is an obstacle while it has no value, or leans towards a breach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spark_operator.core import judge
from spark_operator.core.judge import Action, QueryRule, QueryValue, Sensitivity, VerdictKind
from tests.unit.operator.core.judge.trial import Trial

GOOD = {"requests": 5.0}


def _plan(action: Action = Action.ROLLBACK, **bounds: float) -> judge.JudgePlan:
    rule = QueryRule(name="queue", max=100.0, action=action, **bounds)
    return replace(judge.plan_for(Sensitivity.BALANCED), queries=(rule,))


def _kinds(trial: Trial, seconds: int, *values: QueryValue) -> list[judge.Verdict]:
    found = []
    for _ in range(seconds):
        for pod in (*trial.candidate, *trial.stable):
            pod.add(**GOOD)
        found.append(trial.look(*values))
    return found


@pytest.mark.parametrize("action", [Action.ROLLBACK, Action.HOLD])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        (QueryValue("queue", None, problem="the query gives no series"), "gives no series"),
        (QueryValue("queue", float("nan")), "its value is nan"),
        (QueryValue("other", 1.0), "the source gave no value"),
    ],
)
def test_a_query_that_never_has_a_value_keeps_every_pass_back(
    action: Action, value: QueryValue, why: str
) -> None:
    found = _kinds(Trial(_plan(action)), 120, value)
    assert not [it for it in found if it.kind is VerdictKind.PASS]
    assert "query queue has had no value yet" in found[-1].message
    assert why in found[-1].message


def test_one_that_only_notifies_keeps_nothing_back() -> None:
    assert _kinds(Trial(_plan(Action.NOTIFY)), 120)[-1].kind is VerdictKind.PASS


def test_a_value_within_the_last_ten_seconds_is_enough() -> None:
    trial = Trial(_plan())
    assert _kinds(trial, 60, QueryValue("queue", 50.0))[-1].kind is VerdictKind.PASS
    assert _kinds(trial, 10)[-1].kind is VerdictKind.PASS
    assert "no value for 11 s" in _kinds(trial, 1)[-1].message
    assert _kinds(trial, 1, QueryValue("queue", 50.0))[-1].kind is VerdictKind.PASS


@pytest.mark.parametrize("sensitivity", list(Sensitivity))
def test_ten_times_the_maximum_passes_no_step_and_fails(sensitivity: Sensitivity) -> None:
    plan = replace(judge.plan_for(sensitivity), queries=_plan().queries)
    found = _kinds(Trial(plan), 240, QueryValue("queue", 1000.0))
    assert VerdictKind.PASS not in {it.kind for it in found}
    assert found[-1].kind is VerdictKind.FAIL


def test_a_breach_that_begins_after_a_pass_takes_it_back_at_once() -> None:
    trial = Trial(_plan())
    assert _kinds(trial, 60, QueryValue("queue", 50.0))[-1].kind is VerdictKind.PASS
    later = _kinds(trial, 5, QueryValue("queue", 1000.0))
    assert later[-1].kind is VerdictKind.CONTINUE
    assert "out of its bounds lately" in later[-1].message


def test_when_it_had_a_value_survives_a_restart_of_the_operator() -> None:
    trial = Trial(_plan())
    _kinds(trial, 60, QueryValue("queue", 50.0))
    again = judge.decode(trial.plan, judge.encode(trial.state))
    assert judge.verdict(trial.plan, again, trial.at).kind is VerdictKind.PASS
    assert again.queries.found[0].seen_at == pytest.approx(trial.at, abs=0.01)
