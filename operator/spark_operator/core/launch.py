"""The start of a trial, once everything before its first pod is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.api.status import StepStatus
from spark_operator.core import judge, quarantine
from spark_operator.core.phases import Phase

if TYPE_CHECKING:
    from spark_operator.core.turn import Turn


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
    name, image = turn.on_trial.release, turn.on_trial.image
    fast = quarantine.was_stable(turn.status, name)
    straight = steps[0].weight == 100 or (fast and turn.spec.strategy.canary.fast_track)
    turn.weigh(0 if straight else steps[0].weight)
    index = len(steps) - 1 if straight else 0
    turn.set(step=StepStatus(index=index, total=len(steps), entered_at=turn.at), held=False)
    turn.go(Phase.PROMOTING if straight else Phase.PROGRESSING)
    plan = " → ".join(f"{step.weight}%" for step in (steps[-1:] if straight else steps))
    turn.note(
        "TrialStarted",
        "FastTrack" if straight and fast else "NewRelease",
        f"{image} is on trial: plan {plan}"
        + (": it was stable before" if straight and fast else ""),
        release=name,
    )
