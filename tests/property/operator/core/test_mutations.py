"""Each rule, broken on purpose: a rule that no mutation decisions red would prove nothing.

One story that meets every rule is told once as the code is, and once for each way to break it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.core import judge
from spark_operator.core.decide import draft, guards, quarantine
from spark_operator.core.decide.phases import progressing, promotion
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.report import conditions
from spark_operator.core.decide.report.aspect import Aspect
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.model import phases
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.render import children
from tests.property.operator.core.rules import RuleBrokenError
from tests.property.operator.core.test_histories import NAMES, NATURES, Histories, spec
from tests.property.operator.core.world import Nature

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.decide.draft import RolloutDraft

deciding = import_module("spark_operator.core.decide.decide")


def story() -> Histories:
    """Good and bad releases, one that never starts, an outage, a pause, a late fault, a death."""
    told = Histories()
    told.install(0, 1)
    told.apply(2, 45)
    told.late_fault(0.4)
    told.run_for(8)
    told.apply(3, 25)
    told.apply(5, 10)
    told.apply(3, 10)
    told.apply(1, 2)
    _outage_and_pause(told)
    _never_starts_and_dies(told)
    return told


def _outage_and_pause(told: Histories) -> None:
    world = told.world
    told.name_release("let-out", 3)
    told.apply(3, 2)
    told.pause(paused=True)
    told.run_for(15)
    told.pause(paused=False)
    told.apply(1, 2)
    world.behave(NAMES[2], NATURES[2])
    told.name_release("let-out", 2)
    world.apply(strategy=spec(2)["strategy"])
    told.apply(2, 8)
    world.outage = 0.3
    told.run_for(20)
    world.outage = 0.0
    told.apply(1, 6)


def _never_starts_and_dies(told: Histories) -> None:
    told.world.apply(strategy=spec(3)["strategy"])
    told.apply(4, 45)
    told.apply(1, 2)
    told.candidate_dies()
    told.world.behave(NAMES[2], Nature(image=2))


class Mutation(NamedTuple):
    """A way to break the code, and the rule that must notice."""

    label: str
    place: Any
    name: str
    broken: Any
    rule: str


def no(*_: Any, **__: Any) -> bool:
    return False


def fewer(resource: Any) -> dict[str, int]:
    """One pod less than stable needs."""
    counts = REPLICAS(resource)
    role = resource.status.stable
    return counts | ({role.release: counts[role.release] - 1} if role else {})


def switch_unready(decided: RolloutDraft) -> None:
    """All traffic to a candidate whatever its pods are."""
    if decided.status.weight.desired < 100:
        decided.set_weight(100)
        decided.set(first_traffic_at=decided.at)
        decided.record(
            LedgerDecision.TRAFFIC_SWITCHED,
            DecisionReason.CANDIDATE_READY,
            "",
            release=decided.on_trial.release,
        )
    decided.requeue_at(decided.now + 1)


def unless_paused(decided: RolloutDraft) -> Progress:
    """A pause that delays the cut."""
    return Progress.DONE if decided.spec.paused else guards.cut_failing_release(decided)


def unless_gone(decided: RolloutDraft) -> Progress:
    """A candidate that is gone taken for missing data."""
    reason = decided.verdict.reason if decided.verdict else ""
    if reason == "CandidateUnavailable":
        return Progress.DONE
    return guards.cut_failing_release(decided)


def blame_both(decided: RolloutDraft) -> Progress:
    """The provider's failure put on the release."""
    if decided.phase not in phases.ON_TRIAL or not (decided.verdict and decided.verdict.shared):
        return Progress.DONE
    roll_back(decided, RolloutOutcome.FAILED, judge.VerdictReason.ERROR_RATE_CRITICAL, "")
    return Progress.LEFT_PHASE


def by_hash_only(status: Any, release: str, _: str | None = None) -> Any:
    return FIND(status, release)


def instead(
    guard: Callable[[RolloutDraft], Progress],
) -> tuple[Callable[[RolloutDraft], Progress], ...]:
    return (guard, *guards.GUARDS[1:])


def handled(
    phase: Phase, handler: Callable[[RolloutDraft], None]
) -> dict[Phase, Callable[[RolloutDraft], None]]:
    return {**deciding.HANDLERS, phase: handler}


def in_silence(self: RolloutDraft, *_: Any, **__: Any) -> None:
    del self


def keep(_: Any, state: Any, __: float) -> Any:
    return state


def all_right(decided: RolloutDraft, _: Any) -> Aspect:
    return Aspect(holds=True, reason=decided.phase.value, message="")


REPLICAS, FIND = children.replicas, quarantine.find
MUTATIONS: Final = (
    Mutation("stable loses a pod", children, "replicas", fewer, "1"),
    Mutation(
        "traffic goes to pods that are not ready",
        deciding,
        "HANDLERS",
        handled(Phase.PROMOTING, switch_unready),
        "1",
    ),
    Mutation("steps need no Pass", progressing, "_why_done", lambda _: "now", "2"),
    Mutation("a Pass of an earlier weight counts", judge, "at_step", keep, "2"),
    Mutation("a Fail is not heard", deciding, "GUARDS", guards.GUARDS[1:], "4"),
    Mutation("a pause delays the cut", deciding, "GUARDS", instead(unless_paused), "4"),
    Mutation("a dead candidate is missing data", deciding, "GUARDS", instead(unless_gone), "4"),
    Mutation("nobody is quarantined", quarantine, "add", lambda status, *_: status.quarantine, "5"),
    Mutation("the quarantine is not asked", quarantine, "find", lambda *_: None, "5"),
    Mutation("an image is not recognised", quarantine, "find", by_hash_only, "5"),
    Mutation(
        "the provider's failure is blamed", deciding, "GUARDS", (blame_both, *guards.GUARDS), "7"
    ),
    Mutation("decisions are not told", draft.RolloutDraft, "record", in_silence, "ledger|2"),
    Mutation("the epoch stands still", deciding, "moves_children", no, "epoch"),
    Mutation("a trial is not looked at", progressing, "TICK_SECONDS", 100.0, "wakes"),
    Mutation("promotion is not looked at", promotion, "TICK_SECONDS", 100.0, "wakes"),
    Mutation("a trial is looked at for ever", progressing, "TICK_SECONDS", 0.0, "hot"),
    Mutation("always reconciling", conditions, "_reconciling", all_right, "kstatus"),
)


def test_the_story_as_it_is() -> None:
    """It must meet what the rules are about, or mutations could hide in what it leaves out."""
    versions = {name: version for version, name in NAMES.items()}
    assert [
        (versions[entry.release], entry.outcome, entry.reason)
        for entry in reversed(story().world.status.history)
    ] == [
        (1, "Promoted", "FirstRelease"),
        (2, "Promoted", "Passed"),
        (2, "Failed", "ErrorRateCritical"),
        (3, "Failed", "ErrorRateCritical"),
        (5, "Failed", "ReleaseQuarantined"),
        (3, "Failed", "ErrorRateCritical"),
        (2, "Superseded", "SpecReverted"),
        (4, "Inconclusive", "ProgressDeadlineExceeded"),
        (2, "Failed", "CandidateUnavailable"),
    ]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.label)
def test_a_broken_rule_is_noticed(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation.place, mutation.name, mutation.broken)
    with pytest.raises(AssertionError, match=f"^({mutation.rule}): ") as caught:
        story()
    assert mutation.rule == "hot" or isinstance(caught.value, RuleBrokenError)
