"""When users send too few requests to judge by before the step's time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.core import judge
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.progress import Progress
from spark_operator.core.judge import VerdictKind, VerdictReason
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft

LISTEN_SECONDS: Final = 15.0
"""Shortest time at a weight from which the users' rate is told."""

MOST_FAILED: Final = 1.0
"""Failed requests that readiness outweighs: a single one may be a hiccup."""


def is_low(draft: RolloutDraft, limit: float, least: int) -> bool:
    """Whether the step's time, at the present rate, ends before there is enough to pass on.

    Args:
        draft: a trial at a weight above 0.
        limit: longest time of the step, in seconds.
        least: fewest requests that the step asks for.
    """
    verdict, step = draft.verdict, draft.status.step
    if verdict is None or step is None or step.observed_since is None:
        return False
    if draft.status.weight.desired == 0:
        return False
    if (
        verdict.kind is not VerdictKind.CONTINUE
        or verdict.reason is not VerdictReason.NOT_ENOUGH_EVIDENCE
    ):
        return False
    # The judge's own count begins anew after a gap and after what both releases failed at.
    heard = min(draft.now - step.observed_since.timestamp(), verdict.step_seconds)
    if heard < LISTEN_SECONDS:
        return False
    left = max(0.0, step.entered_at.timestamp() + limit - draft.now)
    foreseen = verdict.step_requests * (1.0 + left / verdict.step_seconds)
    return foreseen < max(least, judge.requests_to_pass(draft.plan))


def by_readiness(draft: RolloutDraft, limit: float, least: int) -> str:
    """Return why the step may be left although users send too little; empty: it may not."""
    wanted = draft.spec.analysis.on_low_traffic
    return _by_readiness(draft) if wanted == "ReadinessOnly" and is_low(draft, limit, least) else ""


def send_synthetic(draft: RolloutDraft, limit: float, least: int) -> Progress:
    """Have both releases asked where users send too little and the resource says so."""
    if draft.spec.analysis.on_low_traffic == "Synthetic" and is_low(draft, limit, least):
        _send(draft)
    return Progress.WAIT


def _send(draft: RolloutDraft) -> None:
    """Have both releases asked, once a step."""
    role = draft.on_trial
    index = draft.status.step.index if draft.status.step else 0
    job = runs.find(draft, "traffic", role.release, index)
    if job is not None:
        if job.state == "Lost":
            runs.run_again(draft, job)
        return
    name, bounds = draft.resource.metadata.name, draft.spec.analysis.synthetic
    urls = f"http://{name}-candidate http://{name}-stable"
    runs.start(draft, "traffic", role.release, step=index, target=urls)
    draft.record(
        LedgerDecision.SYNTHETIC_TRAFFIC,
        DecisionReason.LOW_TRAFFIC,
        f"{_counted(draft)}: {bounds.max_requests} requests of the operator's own are sent to each"
        f" release, {bounds.rate} a second",
        release=role.release,
    )


def _by_readiness(draft: RolloutDraft) -> str:
    """Why the step may be left: nothing speaks against the candidate, and it is all there."""
    quiet = draft.judge is not None and not judge.in_doubt(draft.plan, draft.judge)
    failed = [item.value * item.n for item in draft.verdict.evidence] if draft.verdict else []
    all_there = draft.candidate.ready > 0 and draft.candidate.ready == len(draft.candidate.live)
    if not quiet or not all_there or max(failed, default=0.0) > MOST_FAILED:
        return ""
    return (
        f"{_counted(draft)}; all {draft.candidate.ready} candidate pods are ready (ReadinessOnly)"
    )


def _counted(draft: RolloutDraft) -> str:
    sent = draft.verdict.step_requests if draft.verdict else 0
    lasted = draft.verdict.step_seconds if draft.verdict else 0.0
    needed = judge.requests_to_pass(draft.plan)
    return f"users sent the candidate {sent} requests in {lasted:.0f} s, at least {needed} count"
