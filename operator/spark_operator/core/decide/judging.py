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

    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.judge import Verdict


CHECKPOINT_SECONDS: Final = 10.0
"""How much of the judge's state a restart may lose."""


def consult_judge(draft: RolloutDraft) -> None:
    """Feed the latest samples to the judge and hear its verdict, while a release is watched.

    What is read in maintenance is passed over: only a failure proven before it counts then.
    """
    if draft.phase not in WATCHED:
        return
    draft.judge = draft.observations.judge or _restored(draft)
    rests = maintenance.rests(draft)
    if rests:
        draft.judge = judge.resume(draft.judge, draft.now)
    elif draft.observations.tick is not None:
        draft.judge = judge.observe(draft.plan, draft.judge, draft.observations.tick)
    said = judge.verdict(draft.plan, draft.judge, draft.now)
    if said.shared:
        draft.judge = judge.forgive(draft.judge, draft.now)
    draft.verdict = None if rests and said.kind != judge.VerdictKind.FAIL else said


def _restored(draft: RolloutDraft) -> judge.JudgeState:
    """The judge's state from its checkpoint, or a new one, which knows nothing."""
    if draft.status.judge:
        try:
            return judge.decode(draft.plan, draft.status.judge)
        except judge.JudgeStateError:
            pass
    return judge.start(draft.plan, draft.now)


def checkpoint(draft: RolloutDraft) -> None:
    """Write the verdict and the judge's state when they say something new, or every 10 s."""
    if draft.spec.isolated:
        return
    if draft.phase not in WATCHED or draft.judge is None:
        if draft.status.judge is not None:
            draft.set(judge=None, judge_at=None)
        if draft.verdict is not None:
            draft.set(verdict=verdict_status(draft.verdict, draft.at))
        return
    last, said = draft.status.judge_at, draft.status.verdict
    changed = draft.verdict is not None and (
        said is None or (said.verdict, said.reason) != (draft.verdict.kind, draft.verdict.reason)
    )
    before, after = draft.resource.status, draft.status
    moved = before.step != after.step or moves_children(before, after)
    due = last is None or draft.now - last.timestamp() >= CHECKPOINT_SECONDS
    if not (changed or due or moved):
        return
    draft.set(judge=judge.encode(draft.judge), judge_at=draft.at)
    if draft.verdict is not None:
        draft.set(verdict=verdict_status(draft.verdict, draft.at))


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
