"""Checks that apply in every phase with a release on trial, before the phase's own function.

Each is a verb: ``LEFT_PHASE`` says that it has acted, so that nothing after it may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.values import seconds
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.report.advice import advised
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.decide.signals import maintenance
from spark_operator.core.model.phases import ON_TRIAL, WATCHED, Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.api.status.status import StepStatus
    from spark_operator.core.decide.draft import RolloutDraft


LONGEST_SHARED_SECONDS: Final = 3600
"""How long a step's clock may stand in all because both releases fail alike."""


def follow_newer_spec(draft: RolloutDraft) -> Progress:
    """End the trial where the spec names another release than the one on trial."""
    role = draft.status.candidate
    if draft.phase not in (Phase.PREFLIGHT, *ON_TRIAL):
        return Progress.DONE
    if role is None or role.release == draft.desired.name or draft.status.stable is None:
        return Progress.DONE
    if draft.desired.name == draft.status.stable.release:
        roll_back(
            draft,
            RolloutOutcome.SUPERSEDED,
            DecisionReason.SPEC_REVERTED,
            "the spec names the stable release again",
        )
    else:
        message = f"the spec names another release, {draft.desired.image}: {role.image} is dropped"
        roll_back(draft, RolloutOutcome.SUPERSEDED, DecisionReason.NEWER_RELEASE, message)
    return Progress.LEFT_PHASE


def cut_quarantined_image(draft: RolloutDraft) -> Progress:
    """Cut a candidate whose pods run an image that failed before under another configuration."""
    role = draft.status.candidate
    if draft.phase not in ON_TRIAL or role is None:
        return Progress.DONE
    held = quarantine.find(draft.status, role.release, draft.candidate.digests)
    if held is None:
        return Progress.DONE
    message = (
        f"its image was quarantined at {held.at:%Y-%m-%d %H:%M:%S}Z ({held.reason}, release"
        f" {held.release}): it gets no traffic until it is let out with the annotation"
        f" spark.dev/let-out: {held.release}@TOKEN"
    )
    roll_back(draft, RolloutOutcome.FAILED, DecisionReason.RELEASE_QUARANTINED, message)
    return Progress.LEFT_PHASE


def cut_failing_release(draft: RolloutDraft) -> Progress:
    """Cut the release that the judge fails: nothing may delay the cut."""
    if draft.phase not in WATCHED or draft.verdict is None or draft.verdict.kind != "Fail":
        return Progress.DONE
    if not draft.spec.rollback.automatic or _nothing_to_return_to(draft):
        return Progress.DONE
    roll_back(draft, RolloutOutcome.FAILED, draft.verdict.reason, draft.verdict.message)
    return Progress.LEFT_PHASE


def _nothing_to_return_to(draft: RolloutDraft) -> bool:
    """Return whether going back would take users from a release that serves to one that cannot.

    Degraded tells; it is looked at again each tick.
    """
    back = draft.previous if draft.phase is Phase.GUARDING else draft.stable
    serving = draft.stable if draft.phase is Phase.GUARDING else draft.candidate
    return back.ready == 0 and serving.ready > 0


def end_shared_failure(draft: RolloutDraft) -> Progress:
    """End the trial where both releases fail alike and the user wants it ended then."""
    if draft.phase not in ON_TRIAL or draft.verdict is None or not draft.verdict.shared:
        return Progress.DONE
    if draft.spec.rollback.on_shared_failure != "Rollback":
        return Progress.DONE
    roll_back(draft, RolloutOutcome.INCONCLUSIVE, draft.verdict.reason, draft.verdict.message)
    return Progress.LEFT_PHASE


def enforce_deadline(draft: RolloutDraft) -> Progress:
    """End a step that took longer than it may: nobody knows whether the candidate is good."""
    step = draft.status.step
    if draft.phase not in (Phase.PROGRESSING, Phase.PROMOTING) or step is None:
        return Progress.DONE
    limit = _step_limit(draft, step.index)
    elapsed = draft.now - step.entered_at.timestamp()
    if _clock_stands(draft):
        if elapsed >= seconds(limit) / 2:
            _put_off(draft, step, min(elapsed, seconds(limit)))
        return Progress.DONE
    if elapsed < seconds(limit):
        return Progress.DONE
    ready = draft.candidate.ready
    if step.observed_since is None and draft.status.weight.desired < 100:
        trouble = advised(draft.candidate.trouble) or "no pod reports a problem"
        roll_back(
            draft,
            RolloutOutcome.INCONCLUSIVE,
            DecisionReason.PROGRESS_DEADLINE_EXCEEDED,
            f"only {ready} of its pods were ready within {limit}: {trouble}",
        )
        return Progress.LEFT_PHASE
    why = _what_is_lacking(draft)
    roll_back(
        draft,
        RolloutOutcome.INCONCLUSIVE,
        DecisionReason.NOT_ENOUGH_EVIDENCE,
        f"not decided within {limit} at this step: {why}",
    )
    return Progress.LEFT_PHASE


def _what_is_lacking(draft: RolloutDraft) -> str:
    """Say why the step could not be left."""
    if draft.verdict is not None and draft.verdict.kind == "Pass":
        failed = [j for j in draft.status.jobs if j.kind == "verify" and j.state != "Passed"]
        if failed:
            return f"the verification did not pass: {runs.explain(failed[0])}"
    return draft.verdict.message if draft.verdict else "no verdict was given"


def _put_off(draft: RolloutDraft, step: StepStatus, elapsed: float) -> None:
    """Begin the step's time anew: when what stops its clock ends, half of it must be left."""
    changes: dict[str, object] = {"entered_at": draft.at}
    if draft.verdict is not None and draft.verdict.shared:
        changes["shared_seconds"] = (step.shared_seconds or 0) + round(elapsed)
    draft.set(step=step.model_copy(update=changes))


def _clock_stands(draft: RolloutDraft) -> bool:
    """Return whether the step's time stands still: the candidate is not why it takes long."""
    if draft.spec.paused or draft.status.held:
        return True
    if maintenance.blind(draft):
        return not (draft.status.step and draft.status.step.in_maintenance)
    if draft.verdict is None:
        return False
    if draft.verdict.shared:
        step = draft.status.step
        return step is None or (step.shared_seconds or 0) < LONGEST_SHARED_SECONDS
    return draft.verdict.kind == "Fail" and not draft.spec.rollback.automatic


def _step_limit(draft: RolloutDraft, index: int) -> str:
    """Return the longest time this step may last, as the user wrote it."""
    canary = draft.spec.strategy.canary
    return canary.steps[min(index, len(canary.steps) - 1)].max_duration or canary.progress_deadline


GUARDS: Final[tuple[Callable[[RolloutDraft], Progress], ...]] = (
    cut_failing_release,
    follow_newer_spec,
    cut_quarantined_image,
    end_shared_failure,
    enforce_deadline,
)
