"""The start of a trial, once everything before its first pod is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status.status import StepStatus
from spark_operator.core import judge
from spark_operator.core.decide import quarantine
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.maintenance import in_maintenance
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft


def launch(draft: RolloutDraft) -> None:
    """Let the candidate have pods: the first release at once, a later one step by step."""
    draft.set(candidate=draft.on_trial.model_copy(update={"since": draft.at}))
    if draft.status.stable is None:
        if draft.phase is not Phase.PENDING:
            draft.transition(Phase.PENDING)
        return
    steps = draft.spec.strategy.canary.steps
    draft.judge = judge.start(draft.plan, draft.now, draft.status.baseline or "")
    draft.watch = True
    name = draft.on_trial.release
    fast = quarantine.was_stable(draft.status, name)
    planned = steps[0].weight == 100 or (fast and draft.spec.strategy.canary.fast_track)
    unserved = not planned and in_maintenance(draft.status)
    straight = planned or unserved
    draft.set_weight(0 if straight else steps[0].weight)
    index = len(steps) - 1 if straight else 0
    step = StepStatus(index=index, total=len(steps), entered_at=draft.at, in_maintenance=unserved)
    draft.set(step=step, held=False)
    target = Phase.PROMOTING if straight else Phase.PROGRESSING
    if draft.phase is not target:
        draft.transition(target)
    draft.record(
        LedgerDecision.TRIAL_STARTED,
        *_plan(draft, straight=straight, unserved=unserved),
        release=name,
    )


def _plan(draft: RolloutDraft, *, straight: bool, unserved: bool) -> tuple[DecisionReason, str]:
    """Reason and message of a trial's start."""
    steps = draft.spec.strategy.canary.steps
    plan = " → ".join(f"{step.weight}%" for step in (steps[-1:] if straight else steps))
    said = f"{draft.on_trial.image} is on trial: plan {plan}"
    if unserved:
        return DecisionReason.MAINTENANCE_WINDOW, f"{said} at once: users are not served meanwhile"
    if straight and quarantine.was_stable(draft.status, draft.on_trial.release):
        return DecisionReason.FAST_TRACK, f"{said}: it was stable before"
    return DecisionReason.NEW_RELEASE, said
