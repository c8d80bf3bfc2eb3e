"""The judge inside a decision: it is fed, heard, and its state is kept in status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import MAX_COUNT, clip
from spark_operator.api.status.status import (
    MAX_EVIDENCE,
    EvidenceStatus,
    VerdictStatus,
)
from spark_operator.core import judge
from spark_operator.core.decide.epoch import moves_children
from spark_operator.core.decide.signals import (
    maintenance,
)
from spark_operator.core.model.phases import WATCHED

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.core.decide.draft import Turn
    from spark_operator.core.judge import Verdict


CHECKPOINT_SECONDS: Final = 10.0
"""How much of the judge's state a restart may lose."""


def consult_judge(turn: Turn) -> None:
    """Feed the latest samples to the judge and hear its verdict, while a release is watched.

    What is read in maintenance is passed over: only a failure proven before it counts then.
    """
    if turn.phase not in WATCHED:
        return
    turn.judge = turn.observations.judge or _restored(turn)
    rests = maintenance.rests(turn)
    if rests:
        turn.judge = judge.resume(turn.judge, turn.now)
    elif turn.observations.tick is not None:
        turn.judge = judge.observe(turn.plan, turn.judge, turn.observations.tick)
    said = judge.verdict(turn.plan, turn.judge, turn.now)
    if said.shared:
        turn.judge = judge.forgive(turn.judge, turn.now)
    turn.verdict = None if rests and said.kind != judge.Kind.FAIL else said


def _restored(turn: Turn) -> judge.JudgeState:
    """The judge's state from its checkpoint, or a new one, which knows nothing."""
    if turn.status.judge:
        try:
            return judge.decode(turn.plan, turn.status.judge)
        except judge.JudgeStateError:
            pass
    return judge.start(turn.plan, turn.now)


def checkpoint(turn: Turn) -> None:
    """Write the verdict and the judge's state when they say something new, or every 10 s."""
    if turn.spec.isolated:
        return
    if turn.phase not in WATCHED or turn.judge is None:
        if turn.status.judge is not None:
            turn.set(judge=None, judge_at=None)
        if turn.verdict is not None:
            turn.set(verdict=verdict_status(turn.verdict, turn.at))
        return
    last, said = turn.status.judge_at, turn.status.verdict
    changed = turn.verdict is not None and (
        said is None or (said.verdict, said.reason) != (turn.verdict.kind, turn.verdict.reason)
    )
    before, after = turn.resource.status, turn.status
    moved = before.step != after.step or moves_children(before, after)
    due = last is None or turn.now - last.timestamp() >= CHECKPOINT_SECONDS
    if not (changed or due or moved):
        return
    turn.set(judge=judge.encode(turn.judge), judge_at=turn.at)
    if turn.verdict is not None:
        turn.set(verdict=verdict_status(turn.verdict, turn.at))


def verdict_status(verdict: Verdict, at: datetime) -> VerdictStatus:
    """The judge's verdict as status keeps it."""
    evidence = tuple(
        EvidenceStatus(
            metric=item.metric,
            n=int(min(item.n, MAX_COUNT)),
            value=f"{item.value:.4g}",
            bound="" if item.bound is None else f"{item.bound:.4g}",
            threshold=f"{item.threshold:.4g}",
            stable="" if item.stable_value is None else f"{item.stable_value:.4g}",
        )
        for item in verdict.evidence[:MAX_EVIDENCE]
    )
    return VerdictStatus(
        verdict=verdict.kind,
        reason=verdict.reason,
        message=clip(verdict.message),
        at=at,
        evidence=evidence,
    )
