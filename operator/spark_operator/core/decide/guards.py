"""Checks that apply in every phase with a release on trial, before the phase's own function.

Each returns whether it has decided the turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.values import seconds
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.rollback import retreat
from spark_operator.core.decide.signals import maintenance
from spark_operator.core.model.phases import ON_TRIAL, WATCHED, Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.decide.draft import Turn


def newer_spec(turn: Turn) -> bool:
    """The spec names another release than the one on trial."""
    role = turn.status.candidate
    if turn.phase not in (Phase.PREFLIGHT, *ON_TRIAL):
        return False
    if role is None or role.release == turn.desired.name or turn.status.stable is None:
        return False
    if turn.desired.name == turn.status.stable.release:
        retreat(turn, "Superseded", "SpecReverted", "the spec names the stable release again")
    else:
        message = f"the spec names a further release, {turn.desired.image}: {role.image} is dropped"
        retreat(turn, "Superseded", "NewerRelease", message)
    return True


def quarantined_image(turn: Turn) -> bool:
    """The candidate's pods run an image that failed before under another configuration."""
    role = turn.status.candidate
    if turn.phase not in ON_TRIAL or role is None:
        return False
    held = quarantine.find(turn.status, role.release, turn.candidate.digest)
    if held is None:
        return False
    message = (
        f"its image is quarantined since {held.at:%Y-%m-%d %H:%M:%S}Z ({held.reason}, release"
        f" {held.release}): it gets no traffic until it is let out with the annotation"
        f" spark.dev/let-out: {held.release}@TOKEN"
    )
    retreat(turn, "Failed", "ReleaseQuarantined", message)
    return True


def failing_verdict(turn: Turn) -> bool:
    """The judge says Fail: nothing may delay the cut."""
    if turn.phase not in WATCHED or turn.verdict is None or turn.verdict.kind != "Fail":
        return False
    if not turn.spec.rollback.automatic or _nothing_to_return_to(turn):
        return False
    retreat(turn, "Failed", turn.verdict.reason, turn.verdict.message)
    return True


def _nothing_to_return_to(turn: Turn) -> bool:
    """Whether going back would take users from a release that serves to one that cannot.

    Degraded tells; it is looked at again each tick.
    """
    back = turn.previous if turn.phase is Phase.GUARDING else turn.stable
    serving = turn.stable if turn.phase is Phase.GUARDING else turn.candidate
    return back.ready == 0 and serving.ready > 0


def shared_failure(turn: Turn) -> bool:
    """Both releases fail alike, and the user wants the trial ended then."""
    if turn.phase not in ON_TRIAL or turn.verdict is None or not turn.verdict.shared:
        return False
    if turn.spec.rollback.on_shared_failure != "Rollback":
        return False
    retreat(turn, "Inconclusive", turn.verdict.reason, turn.verdict.message)
    return True


def deadline(turn: Turn) -> bool:
    """A step took longer than it may: nobody knows whether the candidate is good."""
    step = turn.status.step
    if turn.phase not in (Phase.PROGRESSING, Phase.PROMOTING) or step is None:
        return False
    limit = _step_limit(turn, step.index)
    elapsed = turn.now - step.entered_at.timestamp()
    if _clock_stands(turn):
        if elapsed >= seconds(limit) / 2:
            # None of these has a phase of its own: when it ends, half the time must be left.
            turn.set(step=step.model_copy(update={"entered_at": turn.at}))
        return False
    if elapsed < seconds(limit):
        return False
    ready = turn.candidate.ready
    if step.observed_since is None and turn.status.weight.desired < 100:
        trouble = turn.candidate.trouble or "no pod reports a trouble"
        retreat(
            turn,
            "Inconclusive",
            "ProgressDeadlineExceeded",
            f"only {ready} of its pods were ready within {limit}: {trouble}",
        )
        return True
    why = _what_is_lacking(turn)
    retreat(
        turn, "Inconclusive", "NotEnoughEvidence", f"not decided within {limit} at this step: {why}"
    )
    return True


def _what_is_lacking(turn: Turn) -> str:
    """Why the step could not be left."""
    if turn.verdict is not None and turn.verdict.kind == "Pass":
        failed = [j for j in turn.status.jobs if j.kind == "verify" and j.state != "Passed"]
        if failed:
            return f"the verification did not pass: {runs.explain(failed[0])}"
    return turn.verdict.message if turn.verdict else "no verdict was given"


def _clock_stands(turn: Turn) -> bool:
    """Whether the step's time does not run: it is no fault of the candidate that it takes long."""
    if turn.spec.paused or turn.status.held:
        return True
    if maintenance.blind(turn):
        return not (turn.status.step and turn.status.step.in_maintenance)
    if turn.verdict is None:
        return False
    waits = turn.verdict.kind == "Fail" and not turn.spec.rollback.automatic
    return turn.verdict.shared or waits


def _step_limit(turn: Turn, index: int) -> str:
    """The longest time this step may last, as the user wrote it."""
    canary = turn.spec.strategy.canary
    return canary.steps[min(index, len(canary.steps) - 1)].max_duration or canary.progress_deadline


GUARDS: Final[tuple[Callable[[Turn], bool], ...]] = (
    failing_verdict,
    newer_spec,
    quarantined_image,
    shared_failure,
    deadline,
)
