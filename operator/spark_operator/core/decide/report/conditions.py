"""Conditions, computed anew each turn from the draft status.

``Ready``, ``Reconciling`` and ``Stalled`` follow kstatus
(https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus): the latter two are never
both True, and a rollback is Stalled, so that tools do not wait for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.api.status.status import Condition
from spark_operator.api.values import seconds
from spark_operator.core.decide.jobs import runs, verification
from spark_operator.core.decide.report import notices
from spark_operator.core.decide.signals import alerts, freeze, isolation, outage
from spark_operator.core.model.maintenance import in_maintenance, when
from spark_operator.core.model.phases import WATCHED, Phase

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import Turn

MAX_CONDITION_MESSAGE: Final = 1024
STALLING: Final[dict[str, str]] = {
    "preflight": "PreflightFailed",
    "migrate": "MigrationFailed",
    "verify": "VerificationFailed",
}
"""Jobs without whose success the first release goes nowhere, and the reason they give."""


_DOING: Final = {
    Phase.PREFLIGHT: "waits for its preflight",
    Phase.MIGRATING: "waits for its migration",
}


class Aspect(NamedTuple):
    """What one condition says."""

    holds: bool
    reason: str
    message: str


def conditions(turn: Turn) -> tuple[Condition, ...]:
    """All conditions, with the transition times of those that did not change kept."""
    stalled = _stalled(turn)
    aspects = {
        "Ready": _ready(turn, stalled),
        "Reconciling": _reconciling(turn, stalled),
        "Stalled": stalled,
        "Available": _available(turn),
        "Accepted": _accepted(turn),
        "Degraded": _degraded(turn),
        "RolledBack": _rolled_back(turn),
        "Paused": _paused(turn),
        "MaintenanceMode": _maintenance(turn),
        isolation.CONDITION: _isolated(turn),
        "Diagnosis": _diagnosis(turn),
    }
    notified = notices.aspect(turn)
    if notified is not None:
        aspects["Notified"] = Aspect(*notified)
    before = {item.type: item for item in turn.status.conditions}
    return tuple(_condition(turn, kind, said, before.get(kind)) for kind, said in aspects.items())


def _condition(turn: Turn, kind: str, said: Aspect, before: Condition | None) -> Condition:
    status = "True" if said.holds else "False"
    unchanged = before is not None and before.status == status
    return Condition.model_validate(
        {
            "type": kind,
            "status": status,
            "observed_generation": turn.resource.metadata.generation,
            "last_transition_time": before.last_transition_time
            if before is not None and unchanged
            else turn.at - timedelta(microseconds=turn.at.microsecond),
            "reason": said.reason,
            "message": said.message[:MAX_CONDITION_MESSAGE],
        }
    )


def _stalled(turn: Turn) -> Aspect:
    failure = turn.status.failure
    if turn.observations.foreign:
        return Aspect(holds=True, reason="NameTaken", message=_foreign(turn))
    if turn.phase is Phase.ROLLED_BACK and failure:
        reason = "ReleaseQuarantined" if failure.outcome == "Failed" else failure.outcome
        return Aspect(holds=True, reason=reason, message=f"{failure.image}: {failure.message}")
    if turn.status.override and turn.phase in (Phase.STABLE, Phase.GUARDING):
        message = (
            f"a person asked for release {turn.status.override.release} instead of the spec's"
            f" {turn.status.override.instead_of}: apply another release to go on"
        )
        return Aspect(holds=True, reason="RollbackRequested", message=message)
    role = turn.status.candidate
    failed = _failed_before_pods(turn)
    if failed is not None:
        return failed
    if turn.status.stable is None and role is not None and turn.phase is Phase.PENDING:
        limit = turn.spec.strategy.canary.progress_deadline
        if turn.now >= role.since.timestamp() + seconds(limit):
            trouble = turn.candidate.trouble or "no pod reports a trouble"
            message = (
                f"{turn.candidate.ready} of {turn.spec.replicas} pods of the first release are"
                f" ready after {limit}: {trouble}"
            )
            return Aspect(holds=True, reason="ProgressDeadlineExceeded", message=message)
    return Aspect(holds=False, reason="Progressing", message="")


def _failed_before_pods(turn: Turn) -> Aspect | None:
    """What keeps the first release from its first pod, or from being called stable."""
    for job in turn.status.jobs:
        failed = job.state == "Failed" and turn.status.stable is None
        if failed and job.kind in STALLING and turn.status.candidate is not None:
            return Aspect(holds=True, reason=STALLING[job.kind], message=runs.explain(job))
    return None


def _foreign(turn: Turn) -> str:
    names = ", ".join(turn.observations.foreign)
    return (
        f"{names} exists and is not owned by this resource:"
        " delete or rename it, or give this resource another name"
    )


def _reconciling(turn: Turn, stalled: Aspect) -> Aspect:
    waits = freeze.waits(turn)
    if waits and not stalled.holds:
        return Aspect(holds=True, reason="Frozen", message=waits)
    if stalled.holds or turn.phase in (Phase.STABLE, Phase.GUARDING, Phase.ROLLED_BACK):
        return Aspect(holds=False, reason=turn.phase.value, message="")
    return Aspect(holds=True, reason=turn.phase.value, message=_story(turn))


def _ready(turn: Turn, stalled: Aspect) -> Aspect:
    if stalled.holds:
        return stalled._replace(holds=False)
    if turn.spec.isolated:
        return Aspect(holds=False, reason="Isolated", message=isolation.MESSAGE)
    waits = freeze.waits(turn)
    if waits:
        return Aspect(holds=False, reason="Frozen", message=waits)
    if turn.phase not in (Phase.STABLE, Phase.GUARDING) or turn.status.stable is None:
        return Aspect(holds=False, reason=turn.phase.value, message=_story(turn))
    ready, wanted = turn.stable.ready, turn.spec.replicas
    message = f"{turn.status.stable.image}: {ready} of {wanted} pods are ready"
    if ready < wanted:
        trouble = f": {turn.stable.trouble}" if turn.stable.trouble else ""
        return Aspect(holds=False, reason="PodsNotReady", message=message + trouble)
    return Aspect(holds=True, reason=turn.phase.value, message=message)


def _story(turn: Turn) -> str:
    """One sentence on where the rollout stands."""
    status = turn.status
    parts = []
    if status.candidate:
        doing = _DOING.get(turn.phase, "on trial")
        parts.append(f"{status.candidate.image} {doing}")
    if status.step:
        parts.append(f"step {status.step.index + 1} of {status.step.total}")
        parts.append(f"weight {status.weight.actual}% of {status.weight.desired}% wanted")
    if turn.candidate.trouble:
        parts.append(turn.candidate.trouble)
    elif status.verdict and status.candidate:
        parts.append(f"{status.verdict.verdict}: {status.verdict.message}")
    return ", ".join(parts) or "nothing is running yet"


def _available(turn: Turn) -> Aspect:
    if turn.status.stable is None:
        return Aspect(holds=False, reason="NothingStable", message="no release is stable yet")
    if turn.spec.isolated:
        return Aspect(holds=False, reason="Isolated", message=isolation.MESSAGE)
    if in_maintenance(turn.status):
        message = f"users are answered 503: {turn.spec.maintenance.message}"
        return Aspect(holds=False, reason="Maintenance", message=message)
    ready = turn.stable.ready
    message = f"{ready} pods of the stable release answer users"
    return Aspect(
        holds=ready > 0, reason="StableServes" if ready else "NoReadyPods", message=message
    )


def _accepted(turn: Turn) -> Aspect:
    if turn.observations.foreign:
        return Aspect(holds=False, reason="NameTaken", message=_foreign(turn))
    return Aspect(holds=True, reason="Valid", message="")


def _unanswered(turn: Turn) -> Aspect | None:
    """A failure that the judge sees and that is not answered by a rollback, or None."""
    verdict, written = turn.verdict, turn.status.verdict
    said = written.message if written else ""
    if verdict is None or (not verdict.shared and verdict.kind != "Fail"):
        return None
    if verdict.shared:
        message = said
    elif not turn.spec.rollback.automatic:
        message = f"{said}; rollback.automatic is false: abort the rollout yourself"
    elif turn.phase in WATCHED:
        message = f"{said}; the release to go back to has no ready pod: it waits for the first"
    else:
        return None
    return Aspect(holds=True, reason=verdict.reason, message=message)


def _degraded(turn: Turn) -> Aspect:
    down = outage.message(turn)
    if down:
        return Aspect(holds=True, reason=outage.REASON, message=down)
    unanswered = _unanswered(turn)
    if unanswered:
        return unanswered
    trouble = _alerting(turn) or _unverified(turn) or _not_undone(turn) or _unchangeable(turn)
    if trouble:
        return trouble
    if turn.status.stable is not None and turn.stable.ready < turn.spec.replicas:
        message = f"{turn.stable.ready} of {turn.spec.replicas} stable pods are ready"
        return Aspect(holds=True, reason="PodsNotReady", message=message)
    return Aspect(holds=False, reason="AsExpected", message="")


def _alerting(turn: Turn) -> Aspect | None:
    firing = alerts.firing(turn)
    if not firing:
        return None
    reason = "AlertFiring" if firing[0].severity == "critical" else "AlertWarning"
    names = ", ".join(f"{item.name} since {item.starts_at:%H:%M:%S}Z" for item in firing)
    return Aspect(holds=True, reason=reason, message=names)


def _unverified(turn: Turn) -> Aspect | None:
    """A failed verification that is not answered by a rollback."""
    blamed = verification.unanswered(turn)
    if blamed:
        return Aspect(holds=True, reason="VerificationFailed", message=blamed)
    if not verification.is_shared(turn):
        return None
    said = [runs.explain(job) for job in turn.status.jobs if job.kind == "compare"]
    message = f"both releases fail their verification: {said[0]}"
    return Aspect(holds=True, reason="SharedVerificationFailure", message=message)


def _not_undone(turn: Turn) -> Aspect | None:
    for job in turn.status.jobs:
        if job.kind == "undo" and job.state in ("Failed", "Lost"):
            message = f"the schema was not brought back: {runs.explain(job)}"
            return Aspect(holds=True, reason="MigrationRollbackFailed", message=message)
    return None


def _unchangeable(turn: Turn) -> Aspect | None:
    lost = _without_revision(turn)
    if not lost:
        return None
    message = f"ControllerRevision of {lost} is gone: it runs on, but cannot be changed"
    return Aspect(holds=True, reason="RevisionMissing", message=message)


def _without_revision(turn: Turn) -> str:
    """Names of releases that must run and have no revision; the spec's own is written anew."""
    known = {turn.desired.name, *turn.observations.revisions}
    roles = (turn.status.stable, turn.status.previous)
    return ", ".join(role.release for role in roles if role and role.release not in known)


def _rolled_back(turn: Turn) -> Aspect:
    failure = turn.status.failure
    if turn.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK) and failure:
        return Aspect(holds=True, reason=failure.reason, message=failure.message)
    return Aspect(holds=False, reason="NoRollback", message="")


def _paused(turn: Turn) -> Aspect:
    if turn.phase is Phase.PAUSED:
        return Aspect(holds=True, reason="Paused", message=_story(turn))
    return Aspect(holds=False, reason="NotPaused", message="")


def _maintenance(turn: Turn) -> Aspect:
    window = turn.status.maintenance
    if window is None or window.state == "Ended":
        return Aspect(holds=False, reason="NotInMaintenance", message="")
    end = when(window.until) if window.until else "it is switched off in the spec"
    message = f"from {when(window.begins)} until {end}: {turn.spec.maintenance.message}"
    return Aspect(holds=window.state == "Active", reason=window.state, message=message)


def _isolated(turn: Turn) -> Aspect:
    if turn.spec.isolated:
        return Aspect(holds=True, reason="IsolationRequested", message=isolation.MESSAGE)
    return Aspect(holds=False, reason="NotIsolated", message="")


def _diagnosis(turn: Turn) -> Aspect:
    """The most telling finding; status has the others."""
    for finding in turn.status.diagnosis[:1]:
        return Aspect(holds=True, reason=finding.symptom, message=finding.message)
    return Aspect(holds=False, reason="NoSymptom", message="")
