"""What keeps a resource from going on by itself, so that tools need not wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.api.values import seconds
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.report.advice import advised
from spark_operator.core.decide.report.aspect import Aspect
from spark_operator.core.model.phases import Phase
from spark_operator.core.model.reasons import ConditionReason
from spark_operator.core.model.roles import has_begun

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import RolloutDraft

STALLING: Final[dict[str, ConditionReason]] = {
    "preflight": ConditionReason.PREFLIGHT_FAILED,
    "migrate": ConditionReason.MIGRATION_FAILED,
    "verify": ConditionReason.VERIFICATION_FAILED,
}
"""Jobs without whose success the first release goes nowhere, and the reason they give."""
WITHOUT: Final[dict[str, str]] = {
    "Service": "traffic does not move",
    "ConfigMap": "revoked keys, maintenance and the order of providers do not reach the pods",
    "NetworkPolicy": "an isolation closes the Services, but not the network",
    "PodDisruptionBudget": "a drained node may take all pods at once",
    "ServiceAccount": "new pods cannot start",
}
"""What does not work while somebody else has the name of a child."""


def stalled(draft: RolloutDraft) -> Aspect:
    """Return the first thing that keeps the resource from going on; what is wrong with it first."""
    found = (
        _not_readable(draft)
        or _given_up(draft)
        or _held_by_a_person(draft)
        or _failed_before_pods(draft)
        or _first_release_late(draft)
    )
    return found or Aspect(holds=False, reason=ConditionReason.PROGRESSING, message="")


def invalid(draft: RolloutDraft) -> str:
    """Return what is wrong with the spec, and what is in force instead."""
    return f"{draft.observations.invalid}; until then the last valid spec stays in force"


def foreign(draft: RolloutDraft) -> str:
    """Return which names are taken, what does not work therefore, and what to do about it."""
    names = ", ".join(draft.observations.foreign)
    kinds = {name.split(" ")[0] for name in draft.observations.foreign}
    missing = [text for kind, text in WITHOUT.items() if kind in kinds]
    lost = f" Until then {'; '.join(missing)}." if missing and has_begun(draft.status) else ""
    return (
        f"{names} exists and is not owned by this resource:"
        f" delete or rename it, or give this resource another name.{lost}"
    )


def _not_readable(draft: RolloutDraft) -> Aspect | None:
    if draft.observations.invalid:
        return Aspect(holds=True, reason=ConditionReason.INVALID_RESOURCE, message=invalid(draft))
    if draft.observations.foreign:
        return Aspect(holds=True, reason=ConditionReason.NAME_TAKEN, message=foreign(draft))
    return None


def _given_up(draft: RolloutDraft) -> Aspect | None:
    failure = draft.status.failure
    if draft.phase is not Phase.ROLLED_BACK or failure is None:
        return None
    is_to_blame = failure.outcome == RolloutOutcome.FAILED
    reason = ConditionReason.RELEASE_QUARANTINED if is_to_blame else failure.outcome
    return Aspect(holds=True, reason=reason, message=f"{failure.image}: {failure.message}")


def _held_by_a_person(draft: RolloutDraft) -> Aspect | None:
    override = draft.status.override
    if override is None or draft.phase not in (Phase.STABLE, Phase.GUARDING):
        return None
    message = (
        f"a person asked for release {override.release} instead of the spec's"
        f" {override.instead_of}: apply another release to go on"
    )
    return Aspect(holds=True, reason=ConditionReason.ROLLBACK_REQUESTED, message=message)


def _first_release_late(draft: RolloutDraft) -> Aspect | None:
    role = draft.status.candidate
    if draft.status.stable is not None or role is None or draft.phase is not Phase.PENDING:
        return None
    limit = draft.spec.strategy.canary.progress_deadline
    if draft.now < role.since.timestamp() + seconds(limit):
        return None
    trouble = advised(draft.candidate.trouble) or "no pod reports a problem"
    message = (
        f"{draft.candidate.ready} of {draft.spec.replicas} pods of the first release are"
        f" ready after {limit}: {trouble}"
    )
    return Aspect(holds=True, reason=ConditionReason.PROGRESS_DEADLINE_EXCEEDED, message=message)


def _failed_before_pods(draft: RolloutDraft) -> Aspect | None:
    """Return what keeps the first release from its first pod, or from being called stable."""
    for job in draft.status.jobs:
        failed = job.state == "Failed" and draft.status.stable is None
        if failed and job.kind in STALLING and draft.status.candidate is not None:
            return Aspect(holds=True, reason=STALLING[job.kind], message=runs.explain(job))
    return None
