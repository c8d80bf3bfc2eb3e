"""How stable's errors come is learned in each trial and given to the next."""

from __future__ import annotations

from spark_operator.core import judge
from spark_operator.core.decide.decide import decide
from tests.unit.operator.core.builders import NOW, judged, resource, seen, status, workload


def test_a_promoted_release_brings_its_own_history() -> None:
    known = judged(0.0)
    before = status("Promoting", candidate=2, weight=100, step=3)
    world = seen(workload(1, 4), workload(2, 4), route=2, judge=known)
    after = decide(resource(2, before), world, NOW).status
    assert after.phase == "Guarding"
    assert after.baseline == judge.baseline_of(known, promoted=True)


def test_a_failed_trial_leaves_stables_history() -> None:
    known = judged(0.5)
    before = status("Progressing", candidate=2, weight=25, step=1)
    world = seen(workload(1, 4), workload(2, 1), route="shared", judge=known)
    after = decide(resource(2, before), world, NOW).status
    assert after.phase == "RollingBack"
    assert after.baseline == judge.baseline_of(known, promoted=False)


def test_the_next_trial_begins_with_it() -> None:
    text = judge.baseline_of(judged(0.02, 0.02), promoted=False)
    before = status("Pending", baseline=text)
    decision = decide(resource(2, before), seen(workload(1, 4)), NOW)
    assert decision.judge is not None
    assert (
        decision.judge.baseline
        == judge.start(judge.plan_for(judge.Sensitivity.FAST), NOW, text).baseline
    )
