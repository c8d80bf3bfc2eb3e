"""The start of a trial, once everything before its first pod is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status.status import StepStatus
from spark_operator.core import judge
from spark_operator.core.decide import quarantine
from spark_operator.core.model.maintenance import in_maintenance
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import Turn


def launch(turn: Turn) -> None:
    """Let the candidate have pods: the first release at once, a later one step by step."""
    turn.set(candidate=turn.on_trial.model_copy(update={"since": turn.at}))
    if turn.status.stable is None:
        if turn.phase is not Phase.PENDING:
            turn.go(Phase.PENDING)
        return
    steps = turn.spec.strategy.canary.steps
    turn.judge = judge.start(turn.plan, turn.now, turn.status.baseline or "")
    turn.watch = True
    name = turn.on_trial.release
    fast = quarantine.was_stable(turn.status, name)
    planned = steps[0].weight == 100 or (fast and turn.spec.strategy.canary.fast_track)
    unserved = not planned and in_maintenance(turn.status)
    straight = planned or unserved
    turn.weigh(0 if straight else steps[0].weight)
    index = len(steps) - 1 if straight else 0
    step = StepStatus(index=index, total=len(steps), entered_at=turn.at, in_maintenance=unserved)
    turn.set(step=step, held=False)
    target = Phase.PROMOTING if straight else Phase.PROGRESSING
    if turn.phase is not target:
        turn.go(target)
    turn.note("TrialStarted", *_plan(turn, straight=straight, unserved=unserved), release=name)


def _plan(turn: Turn, *, straight: bool, unserved: bool) -> tuple[str, str]:
    """Reason and message of a trial's start."""
    steps = turn.spec.strategy.canary.steps
    plan = " → ".join(f"{step.weight}%" for step in (steps[-1:] if straight else steps))
    said = f"{turn.on_trial.image} is on trial: plan {plan}"
    if unserved:
        return "MaintenanceWindow", f"{said} at once: users are not served meanwhile"
    if straight and quarantine.was_stable(turn.status, turn.on_trial.release):
        return "FastTrack", f"{said}: it was stable before"
    return "NewRelease", said
