"""A breaker blames the release only beside a side with the same chance, and at users' cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.judge.outages import Cell, cells, trial
from spark_operator.core import judge
from spark_operator.core.judge import Action, Sensitivity, VerdictKind, VerdictReason, codec
from tests.unit.operator.core.judge.trial import Pod, Trial

FAST = judge.plan_for(Sensitivity.FAST)
BALANCED = judge.plan_for(Sensitivity.BALANCED)
GOOD = {"requests": 1.0}
IDLE = {"requests": 0.0}
SLOW = {"requests": 2.0, "slow": 1.0}


def _breaker(pod: Pod, state: str) -> None:
    pod.values = replace(pod.values, breakers=(("claude", state), ("openai", "closed")))


def _call(trial: Trial) -> None:
    """Let every pod of stable ask Claude once more."""
    for pod in trial.stable:
        made = dict(pod.values.calls or ()).get("claude", 0.0)
        pod.values = replace(pod.values, calls=(("claude", made + 1),))


def _serve(
    trial: Trial,
    seconds: int,
    mine: dict[str, float],
    theirs: dict[str, float] = GOOD,
    *,
    asks: bool = True,
) -> judge.Verdict:
    found = trial.verdict()
    for _ in range(seconds):
        if asks:
            _call(trial)
        found = trial.serve(1, mine, theirs)
        if found.kind is VerdictKind.FAIL:
            break
    return found


def _opened(mine: dict[str, float], seconds: int, *, asks: bool = True) -> tuple[Trial, float]:
    """A trial in which the candidate's breaker opens after a minute and a half of health."""
    trial = Trial(BALANCED)
    _serve(trial, 90, GOOD)
    _breaker(trial.candidate[0], "open")
    began = trial.at
    _serve(trial, seconds, mine, asks=asks)
    return trial, trial.at - began


def test_open_on_the_candidate_only_and_slow_for_its_users_fails_after_30_s() -> None:
    trial, after = _opened(SLOW, 60)
    found = trial.verdict()
    assert (found.kind, found.reason) == (VerdictKind.FAIL, VerdictReason.BREAKER_OPEN)
    assert "not on stable" in found.message
    assert "were slow" in found.message
    assert after <= 32


def test_open_on_the_candidate_only_and_failing_users_now_and_then_fails_after_30_s() -> None:
    trial = Trial(BALANCED)
    _serve(trial, 90, {"requests": 3.0})
    _breaker(trial.candidate[0], "open")
    began = trial.at
    found = _serve(trial, 60, {"requests": 3.0, "failures_provider": 0.15})
    assert found.kind is VerdictKind.FAIL
    assert trial.at - began <= 45


def test_open_on_the_candidate_only_and_no_user_notices_holds_and_never_fails() -> None:
    trial, _ = _opened(GOOD, 600)
    found = trial.verdict()
    assert found.kind is VerdictKind.CONTINUE
    assert found.message == "a breaker is open on the candidate"


def test_a_stable_that_asks_another_provider_is_no_witness() -> None:
    trial, _ = _opened({"requests": 4.0, "slow": 0.1}, 300, asks=False)
    found = trial.verdict()
    assert found.kind is not VerdictKind.FAIL
    (said,) = (w for w in found.warnings if w.reason is VerdictReason.BREAKER_OPEN)
    assert said.action is Action.NOTIFY
    assert "0 calls of this provider" in said.message


def test_an_idle_previous_release_is_no_witness() -> None:
    trial = Trial(BALANCED)
    _serve(trial, 60, GOOD, IDLE, asks=False)
    _breaker(trial.candidate[0], "open")
    found = _serve(trial, 600, GOOD, IDLE, asks=False)
    assert found.kind is not VerdictKind.FAIL
    assert "the release beside it serves nobody" in found.warnings[0].message


def test_stable_s_that_was_open_just_before_is_no_witness() -> None:
    trial = Trial(BALANCED)
    _serve(trial, 60, GOOD)
    _breaker(trial.stable[0], "open")
    _serve(trial, 5, GOOD)
    _breaker(trial.stable[0], "closed")
    _breaker(trial.candidate[0], "open")
    assert _serve(trial, 55, {"requests": 4.0, "slow": 0.6}).kind is not VerdictKind.FAIL


def test_open_on_both_sides_is_shared() -> None:
    trial = Trial(FAST)
    for pod in (*trial.candidate, trial.stable[0]):
        _breaker(pod, "open")
    found = _serve(trial, 600, GOOD)
    assert (found.kind, found.shared) == (VerdictKind.CONTINUE, True)


def test_half_open_counts_for_nothing_and_is_forgotten_after_a_minute() -> None:
    trial, _ = _opened(SLOW, 25)
    _breaker(trial.candidate[0], "half-open")
    assert _serve(trial, 59, GOOD).kind is not VerdictKind.FAIL
    assert trial.state.breakers[0].since is not None
    _serve(trial, 2, GOOD)
    assert trial.state.breakers[0].since is None


def test_half_open_in_between_does_not_begin_the_clock_anew() -> None:
    trial, _ = _opened(SLOW, 25)
    _breaker(trial.candidate[0], "half-open")
    _serve(trial, 3, SLOW)
    _breaker(trial.candidate[0], "open")
    assert _serve(trial, 7, SLOW).reason is VerdictReason.BREAKER_OPEN


def test_half_open_on_both_sides_holds_nothing() -> None:
    """A standby that gets no call stays half-open for ever after an outage."""
    trial = Trial(FAST)
    for pod in (*trial.candidate, *trial.stable):
        _breaker(pod, "open")
    assert _serve(trial, 60, GOOD).shared
    for pod in (*trial.candidate, *trial.stable):
        _breaker(pod, "half-open")
    found = _serve(trial, 120, {"requests": 3.0}, {"requests": 3.0})
    assert (found.kind, found.shared) == (VerdictKind.PASS, False)


def test_the_clock_survives_a_restart_of_the_operator() -> None:
    trial, _ = _opened(SLOW, 20)
    trial.state = judge.decode(BALANCED, judge.encode(trial.state))
    assert _serve(trial, 13, SLOW).reason is VerdictReason.BREAKER_OPEN


def test_a_breaker_as_an_older_operator_wrote_it_is_read_as_closed() -> None:
    old = codec._breaker(15, "claude", 1_700_000_000, None)
    assert (old.provider, old.since) == ("claude", None)


@pytest.mark.parametrize("cell", list(cells()), ids=lambda cell: cell.name)
def test_a_provider_s_outage_throws_out_no_good_release(cell: Cell) -> None:
    """The long form, of 1,000 trials a cell, is ``python -m bench.judge.outages``."""
    found = trial(cell, 7, BALANCED)
    if cell.fault in {"shared", "own"}:
        assert not found.failed, found
    else:
        assert found.failed
        assert found.after is None or found.after <= 35
