"""When users send too few requests to judge by before the step's time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.core import judge
from spark_operator.core.decide.jobs import runs
from spark_operator.core.judge import Kind, Reason

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import Turn

LISTEN_SECONDS: Final = 15.0
"""Shortest time at a weight from which the users' rate is told."""

MOST_FAILED: Final = 1.0
"""Failed requests that readiness outweighs: a single one may be a hiccup."""


def is_low(turn: Turn, limit: float, least: int) -> bool:
    """Whether the step's time, at the present rate, ends before there is enough to pass on.

    Args:
        turn: a trial at a weight above 0.
        limit: longest time of the step, in seconds.
        least: fewest requests that the step asks for.
    """
    verdict, step = turn.verdict, turn.status.step
    if verdict is None or step is None or step.observed_since is None:
        return False
    if verdict.kind is not Kind.CONTINUE or verdict.reason is not Reason.NOT_ENOUGH_EVIDENCE:
        return False
    # The judge's own count begins anew after a gap and after what both releases failed at.
    heard = min(turn.now - step.observed_since.timestamp(), verdict.step_seconds)
    if heard < LISTEN_SECONDS:
        return False
    left = max(0.0, step.entered_at.timestamp() + limit - turn.now)
    foreseen = verdict.step_requests * (1.0 + left / verdict.step_seconds)
    return foreseen < max(least, judge.requests_to_pass(turn.plan))


def on_low_traffic(turn: Turn, limit: float, least: int) -> str:
    """Do about it what the resource says: why the step may be left all the same, or nothing."""
    if turn.status.weight.desired == 0 or not is_low(turn, limit, least):
        return ""
    wanted = turn.spec.analysis.on_low_traffic
    if wanted == "Synthetic":
        _send(turn)
    return _by_readiness(turn) if wanted == "ReadinessOnly" else ""


def _send(turn: Turn) -> None:
    """Have both releases asked, once a step."""
    role = turn.on_trial
    index = turn.status.step.index if turn.status.step else 0
    job = runs.find(turn, "traffic", role.release, index)
    if job is not None:
        if job.state == "Lost":
            runs.again(turn, job)
        return
    name, bounds = turn.resource.metadata.name, turn.spec.analysis.synthetic
    urls = f"http://{name}-candidate http://{name}-stable"
    runs.start(turn, "traffic", role.release, step=index, target=urls)
    turn.note(
        "SyntheticTraffic",
        "LowTraffic",
        f"{_counted(turn)}: {bounds.max_requests} requests of the operator's own are sent to each"
        f" release, {bounds.rate} a second",
        release=role.release,
    )


def _by_readiness(turn: Turn) -> str:
    """Why the step may be left: nothing speaks against the candidate, and it is all there."""
    quiet = turn.judge is not None and not judge.in_doubt(turn.plan, turn.judge)
    failed = [item.value * item.n for item in turn.verdict.evidence] if turn.verdict else []
    all_there = turn.candidate.ready > 0 and turn.candidate.ready == len(turn.candidate.live)
    if not quiet or not all_there or max(failed, default=0.0) > MOST_FAILED:
        return ""
    return f"{_counted(turn)}; all {turn.candidate.ready} candidate pods are ready (ReadinessOnly)"


def _counted(turn: Turn) -> str:
    sent = turn.verdict.step_requests if turn.verdict else 0
    lasted = turn.verdict.step_seconds if turn.verdict else 0.0
    needed = judge.requests_to_pass(turn.plan)
    return f"users sent the candidate {sent} requests in {lasted:.0f} s, at least {needed} count"
