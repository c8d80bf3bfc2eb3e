"""What stable's past says about how errors come, and what the next trial makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.judge.cells import history
from bench.judge.traces import Bursts, Episodes, Errors, Independent, Load
from spark_operator.core import judge
from spark_operator.core.judge import Sensitivity
from spark_operator.core.judge.codec import decode_baseline, encode_baseline
from spark_operator.core.judge.readings.baseline import Baseline, length, tuned
from tests.unit.operator.core.judge.trial import Trial

BALANCED = judge.plan_for(Sensitivity.BALANCED)
LEARNED = Baseline(150.0, 0.005, (1.1, 1.1, 1.2), 0.0)


def _past(errors: Errors) -> Baseline:
    return history(errors, Load(), seed=11, count=1)[0]


@pytest.mark.parametrize(
    ("errors", "seconds"),
    [
        (Independent(0.005), 0.0),
        (Independent(0.04, sigma=1.0), 0.0),
        (Bursts(0.01), 10.0),
        (Episodes(0.01, 30), 40.0),
        (Episodes(0.02, 120), 160.0),
    ],
    ids=["independent", "uneven pods", "bursts", "episodes of 30 s", "episodes of 2 min"],
)
def test_how_long_errors_hang_together(errors: Errors, seconds: float) -> None:
    assert length(_past(errors)) == seconds


def test_uneven_pods_raise_the_ratio_that_matters() -> None:
    assert tuned(BALANCED, _past(Independent(0.04, sigma=1.0))).ratio > 3
    assert tuned(BALANCED, _past(Independent(0.04))).ratio == BALANCED.ratio


def test_independent_errors_make_the_default_count_one_by_one() -> None:
    assert tuned(BALANCED, LEARNED).independent
    assert not tuned(judge.plan_for(Sensitivity.ROBUST), LEARNED).independent


def test_too_few_failures_say_nothing() -> None:
    assert tuned(BALANCED, replace(LEARNED, failures=19.0)) == BALANCED


def test_fast_does_not_listen_to_history() -> None:
    fast = judge.plan_for(Sensitivity.FAST)
    assert tuned(fast, _past(Bursts(0.01))) == fast


def test_episodes_lengthen_the_block_up_to_the_preset_s_bound() -> None:
    episodes = replace(LEARNED, dispersion=(5.0, 17.0, 50.0))
    assert tuned(BALANCED, episodes).block_seconds == 40.0
    assert tuned(judge.plan_for(Sensitivity.ROBUST), episodes).block_seconds == 160.0


def test_a_baseline_survives_the_status() -> None:
    assert decode_baseline(encode_baseline(LEARNED)) == LEARNED
    assert decode_baseline("j1:[1,2]") is None
    assert decode_baseline("") is None


def test_with_history_the_default_is_as_quick_as_fast() -> None:
    trial = Trial(BALANCED)
    baseline = encode_baseline(replace(LEARNED, young_n=900.0))
    trial.state = judge.start(BALANCED, trial.at, baseline)
    trial.look()
    bad = {"requests": 1.0, "failures_app": 1.0}
    began = trial.at
    assert trial.serve(10, bad, {"requests": 1.0}).kind == judge.VerdictKind.FAIL
    assert trial.at - began <= 5


def test_what_is_learned_in_a_trial_is_of_the_side_that_stays() -> None:
    trial = Trial(judge.plan_for(Sensitivity.BALANCED, alpha=1e-5))
    for second in range(400):
        for place, pod in enumerate((*trial.candidate, *trial.stable)):
            pod.add(10.0, failures_app=float((second + place) % 3 == 0))
        trial.look()
    for promoted, pods in ((True, 1), (False, 9)):
        found = decode_baseline(judge.baseline_of(trial.state, promoted=promoted))
        assert found is not None
        assert found.failures == pytest.approx(400 * pods / 3, rel=0.05)
        assert found.rate == pytest.approx(1 / 30, rel=0.05)
