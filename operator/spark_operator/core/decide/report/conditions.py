"""Conditions, computed from the draft status in every decision.

``Ready``, ``Reconciling`` and ``Stalled`` follow kstatus
(https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus): the latter two are never
both True, and a rollback is Stalled, so that tools do not wait for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import clip
from spark_operator.api.status.status import Condition
from spark_operator.core import judge
from spark_operator.core.decide.jobs import runs, verification
from spark_operator.core.decide.report import notices
from spark_operator.core.decide.report.advice import advised
from spark_operator.core.decide.report.aspect import Aspect
from spark_operator.core.decide.report.stalled import foreign, invalid, stalled
from spark_operator.core.decide.signals import alerts, freeze, isolation, outage
from spark_operator.core.model.maintenance import in_maintenance, when
from spark_operator.core.model.phases import WATCHED, Phase
from spark_operator.core.model.reasons import ConditionReason
from spark_operator.core.model.release import ANONYMOUS

if TYPE_CHECKING:
    from spark_operator.api.spec import SparkDeploymentSpec
    from spark_operator.core.decide.draft import RolloutDraft

STRANGERS: Final = (
    "no users' keys: callers get the small rate of strangers; name spec.secrets.apiKeys, or write"
    " spec.allowAnonymous: true"
)
MAX_CONDITION_MESSAGE: Final = 1024
_DOING: Final = {
    Phase.PREFLIGHT: "waits for its preflight",
    Phase.MIGRATING: "waits for its migration",
}


def conditions(draft: RolloutDraft) -> tuple[Condition, ...]:
    """All conditions, with the transition times of those that did not change kept."""
    stalling = stalled(draft)
    aspects = {
        "Ready": _ready(draft, stalling),
        "Reconciling": _reconciling(draft, stalling),
        "Stalled": stalling,
        "Available": _available(draft),
        "Accepted": _accepted(draft),
        "Degraded": _degraded(draft),
        "RolledBack": _rolled_back(draft),
        "Paused": _paused(draft),
        "MaintenanceMode": _maintenance(draft),
        isolation.CONDITION: _isolated(draft),
        "Diagnosis": _diagnosis(draft),
    }
    notified = notices.aspect(draft)
    if notified is not None:
        aspects["Notified"] = Aspect(*notified)
    before = {item.type: item for item in draft.status.conditions}
    return tuple(_condition(draft, kind, said, before.get(kind)) for kind, said in aspects.items())


def _condition(draft: RolloutDraft, kind: str, said: Aspect, before: Condition | None) -> Condition:
    status = "True" if said.holds else "False"
    unchanged = before is not None and before.status == status
    return Condition.model_validate(
        {
            "type": kind,
            "status": status,
            "observed_generation": draft.resource.metadata.generation,
            "last_transition_time": before.last_transition_time
            if before is not None and unchanged
            else draft.at - timedelta(microseconds=draft.at.microsecond),
            "reason": said.reason,
            "message": clip(said.message, MAX_CONDITION_MESSAGE),
        }
    )


def _reconciling(draft: RolloutDraft, stalling: Aspect) -> Aspect:
    waits = freeze.waits(draft)
    if waits and not stalling.holds:
        return Aspect(holds=True, reason=ConditionReason.FROZEN, message=waits)
    if stalling.holds or draft.phase in (Phase.STABLE, Phase.GUARDING, Phase.ROLLED_BACK):
        return Aspect(holds=False, reason=draft.phase.value, message="")
    return Aspect(holds=True, reason=draft.phase.value, message=_story(draft))


def _ready(draft: RolloutDraft, stalling: Aspect) -> Aspect:
    if stalling.holds:
        return stalling._replace(holds=False)
    if draft.spec.isolated:
        return Aspect(holds=False, reason=ConditionReason.ISOLATED, message=isolation.MESSAGE)
    waits = freeze.waits(draft)
    if waits:
        return Aspect(holds=False, reason=ConditionReason.FROZEN, message=waits)
    if draft.phase not in (Phase.STABLE, Phase.GUARDING) or draft.status.stable is None:
        return Aspect(holds=False, reason=draft.phase.value, message=_story(draft))
    ready, wanted = draft.stable.ready, draft.spec.replicas
    message = f"{draft.status.stable.image}: {ready} of {wanted} pods are ready"
    if ready < wanted:
        trouble = f": {draft.stable.trouble}" if draft.stable.trouble else ""
        return Aspect(holds=False, reason=ConditionReason.PODS_NOT_READY, message=message + trouble)
    return Aspect(holds=True, reason=draft.phase.value, message=message)


def _story(draft: RolloutDraft) -> str:
    """Say in one sentence where the rollout stands."""
    status = draft.status
    parts = []
    if status.candidate:
        doing = _DOING.get(draft.phase, "on trial")
        parts.append(f"{status.candidate.image} {doing}")
    if status.step:
        parts.append(f"step {status.step.index + 1} of {status.step.total}")
        parts.append(f"weight {status.weight.actual}% of {status.weight.desired}% wanted")
    trouble = draft.candidate.trouble or _trouble_of_jobs(draft)
    if trouble:
        parts.append(advised(trouble))
    elif status.verdict and status.candidate:
        parts.append(f"{status.verdict.verdict}: {status.verdict.message}")
    return ", ".join(parts) or "nothing is running yet"


def _trouble_of_jobs(draft: RolloutDraft) -> str:
    """Return why a Job that the phase waits for does not run, in the kubelet's words."""
    if draft.phase not in _DOING:
        return ""
    return next((job.message for job in draft.status.jobs if job.state == "Running"), "")


def _available(draft: RolloutDraft) -> Aspect:
    if draft.status.stable is None:
        return Aspect(
            holds=False, reason=ConditionReason.NOTHING_STABLE, message="no release is stable yet"
        )
    if draft.spec.isolated:
        return Aspect(holds=False, reason=ConditionReason.ISOLATED, message=isolation.MESSAGE)
    if in_maintenance(draft.status):
        message = f"users are answered 503: {draft.spec.maintenance.message}"
        return Aspect(holds=False, reason=ConditionReason.MAINTENANCE, message=message)
    ready = draft.stable.ready
    message = f"{ready} pods of the stable release answer users"
    return Aspect(
        holds=ready > 0,
        reason=ConditionReason.STABLE_SERVES if ready else ConditionReason.NO_READY_PODS,
        message=message,
    )


def _accepted(draft: RolloutDraft) -> Aspect:
    if draft.observations.invalid:
        return Aspect(holds=False, reason=ConditionReason.INVALID_RESOURCE, message=invalid(draft))
    if draft.observations.foreign:
        return Aspect(holds=False, reason=ConditionReason.NAME_TAKEN, message=foreign(draft))
    dropped = ", ".join(draft.observations.dropped)
    message = f"written by another version of the operator and not kept: {dropped}"
    said = [message] if dropped else []
    said += [STRANGERS] if _limits_strangers(draft.spec) else []
    return Aspect(holds=True, reason=ConditionReason.VALID, message="; ".join(said))


def _limits_strangers(spec: SparkDeploymentSpec) -> bool:
    """Whether nobody has a key, so that all users together get the small rate of strangers."""
    is_open = spec.allow_anonymous or spec.config.get(ANONYMOUS) == "true"
    return spec.secrets.api_keys is None and not is_open


def _unanswered(draft: RolloutDraft) -> Aspect | None:
    """Return a failure that the judge sees and that no rollback answers, or None."""
    verdict, written = draft.verdict, draft.status.verdict
    said = written.message if written else ""
    if verdict is None or (not verdict.shared and verdict.kind != "Fail"):
        return None
    if verdict.shared:
        message = said
    elif not draft.spec.rollback.automatic:
        message = f"{said}; rollback.automatic is false: abort the rollout yourself"
    elif draft.phase in WATCHED:
        message = (
            f"{said}; the release to go back to has no ready pod:"
            " traffic goes back when one is ready"
        )
    else:
        return None
    return Aspect(holds=True, reason=verdict.reason, message=message)


def _degraded(draft: RolloutDraft) -> Aspect:
    down = outage.message(draft)
    if down:
        return Aspect(holds=True, reason=outage.REASON, message=down)
    unanswered = _unanswered(draft)
    if unanswered:
        return unanswered
    trouble = (
        _breaking(draft)
        or _alerting(draft)
        or _unverified(draft)
        or _not_undone(draft)
        or _unchangeable(draft)
        or _mixed(draft)
    )
    if trouble:
        return trouble
    if draft.status.stable is not None and draft.stable.ready < draft.spec.replicas:
        message = f"{draft.stable.ready} of {draft.spec.replicas} stable pods are ready"
        return Aspect(holds=True, reason=ConditionReason.PODS_NOT_READY, message=message)
    return Aspect(holds=False, reason=ConditionReason.AS_EXPECTED, message="")


def _mixed(draft: RolloutDraft) -> Aspect | None:
    """Describe a release whose pods run several images, because its tag was moved meanwhile."""
    roles = (draft.status.candidate, draft.status.stable)
    for role in (role for role in roles if role is not None):
        digests = draft.observations.workload(role.release).digests
        if len(digests) > 1:
            message = (
                f"pods of {role.image} run {len(digests)} images ({', '.join(digests)}): its tag"
                " was moved; name the image by its digest"
            )
            return Aspect(holds=True, reason=ConditionReason.SEVERAL_DIGESTS, message=message)
    return None


def _breaking(draft: RolloutDraft) -> Aspect | None:
    """Describe a breaker that is open on the watched release, beside nothing comparable."""
    for warning in draft.verdict.warnings if draft.verdict else ():
        if warning.reason is judge.VerdictReason.BREAKER_OPEN:
            return Aspect(holds=True, reason=warning.reason, message=warning.message)
    return None


def _alerting(draft: RolloutDraft) -> Aspect | None:
    firing = alerts.firing(draft)
    if not firing:
        return None
    is_critical = firing[0].severity == "critical"
    reason = ConditionReason.ALERT_FIRING if is_critical else ConditionReason.ALERT_WARNING
    names = ", ".join(f"{item.name} since {item.starts_at:%H:%M:%S}Z" for item in firing)
    return Aspect(holds=True, reason=reason, message=names)


def _unverified(draft: RolloutDraft) -> Aspect | None:
    """Return a failed verification that no rollback answers, or None."""
    blamed = verification.unanswered(draft)
    if blamed:
        return Aspect(holds=True, reason=ConditionReason.VERIFICATION_FAILED, message=blamed)
    if not verification.is_shared(draft):
        return None
    said = [runs.explain(job) for job in draft.status.jobs if job.kind == "compare"]
    message = f"both releases fail their verification: {said[0]}"
    return Aspect(holds=True, reason=ConditionReason.SHARED_VERIFICATION_FAILURE, message=message)


def _not_undone(draft: RolloutDraft) -> Aspect | None:
    for job in draft.status.jobs:
        if job.kind == "undo" and job.state in ("Failed", "Lost"):
            message = f"the schema was not brought back: {runs.explain(job)}"
            return Aspect(
                holds=True, reason=ConditionReason.MIGRATION_ROLLBACK_FAILED, message=message
            )
    return None


def _unchangeable(draft: RolloutDraft) -> Aspect | None:
    lost = _without_revision(draft)
    if not lost:
        return None
    message = f"ControllerRevision of {lost} is gone: it keeps running, but cannot be changed"
    return Aspect(holds=True, reason=ConditionReason.REVISION_MISSING, message=message)


def _without_revision(draft: RolloutDraft) -> str:
    """Name the releases that must run and have no revision; the spec's own is written anew."""
    known = {draft.desired.name, *draft.observations.revisions}
    roles = (draft.status.stable, draft.status.previous)
    return ", ".join(role.release for role in roles if role and role.release not in known)


def _rolled_back(draft: RolloutDraft) -> Aspect:
    failure = draft.status.failure
    if draft.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK) and failure:
        return Aspect(holds=True, reason=failure.reason, message=failure.message)
    return Aspect(holds=False, reason=ConditionReason.NO_ROLLBACK, message="")


def _paused(draft: RolloutDraft) -> Aspect:
    if draft.phase is Phase.PAUSED:
        return Aspect(holds=True, reason=ConditionReason.PAUSED, message=_story(draft))
    return Aspect(holds=False, reason=ConditionReason.NOT_PAUSED, message="")


def _maintenance(draft: RolloutDraft) -> Aspect:
    window = draft.status.maintenance
    if window is None or window.state == "Ended":
        return Aspect(holds=False, reason=ConditionReason.NOT_IN_MAINTENANCE, message="")
    end = when(window.until) if window.until else "it is switched off in the spec"
    message = f"from {when(window.begins)} until {end}: {draft.spec.maintenance.message}"
    return Aspect(holds=window.state == "Active", reason=window.state, message=message)


def _isolated(draft: RolloutDraft) -> Aspect:
    if draft.spec.isolated:
        return Aspect(
            holds=True, reason=ConditionReason.ISOLATION_REQUESTED, message=isolation.MESSAGE
        )
    return Aspect(holds=False, reason=ConditionReason.NOT_ISOLATED, message="")


def _diagnosis(draft: RolloutDraft) -> Aspect:
    """Return the most telling finding; status has the others."""
    for finding in draft.status.diagnosis[:1]:
        return Aspect(holds=True, reason=finding.symptom, message=finding.message)
    return Aspect(holds=False, reason=ConditionReason.NO_SYMPTOM, message="")


def with_internal_error(draft: RolloutDraft) -> tuple[Condition, ...]:
    """Return the draft's conditions with ``Degraded`` naming the parts that raised.

    Works on what is there, because computing the conditions may be what raised.
    """
    parts = "; ".join(f"{failure.part}: {failure.error}" for failure in draft.failures)
    message = (
        f"a fault of the operator, please report it: {parts}."
        " Abort, isolation, revocations and rollbacks work on"
    )
    said = Aspect(holds=True, reason=ConditionReason.INTERNAL_ERROR, message=message)
    before = next((it for it in draft.resource.status.conditions if it.type == "Degraded"), None)
    degraded = _condition(draft, "Degraded", said, before)
    others = tuple(item for item in draft.status.conditions if item.type != "Degraded")
    return (*others, degraded)
