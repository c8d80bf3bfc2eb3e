"""``SparkDeployment.status``: what is, what was decided, and why.

Every list is bounded, so that the whole stays far below 64 KiB.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, computed_field

from spark_operator.api.base import Model
from spark_operator.api.fields import MAX_COUNT, Count, Hash, Message, Reason, Time
from spark_operator.api.notifications import Severity
from spark_operator.api.status.outbox import NotificationsStatus
from spark_operator.api.status.outcomes import FailureOutcome, HistoryOutcome
from spark_operator.api.status.runs import JobStatus

MAX_LEDGER: Final = 40
MAX_HISTORY: Final = 20
MAX_QUARANTINE: Final = 50
MAX_REQUESTS: Final = 16
MAX_ALERTS: Final = 16
MAX_EVIDENCE: Final = 6
MAX_JUDGE: Final = 16_384
MAX_JOBS: Final = 6
MAX_FINDINGS: Final = 8

Phase = Literal[
    "Pending",
    "Preflight",
    "Migrating",
    "Progressing",
    "Paused",
    "Promoting",
    "Guarding",
    "Stable",
    "RollingBack",
    "RolledBack",
]


class ReleaseStatus(Model):
    """One release in use."""

    release: Hash = Field(description="Hash that names the release.")
    image: str = Field(max_length=512, description="Image of the release as it was asked for.")
    digest: str | None = Field(None, max_length=128, description="Digest its pods run.")
    since: Time = Field(description="Since when it has this role.")
    schema_head: str | None = Field(
        None, max_length=32, description="Schema version its code was made for, by its preflight."
    )
    pods: int = Field(0, ge=0, le=1000, description="Pods that exist.")
    ready: int = Field(0, ge=0, le=1000, description="Pods that are ready.")


class Weight(Model):
    """The candidate's share of traffic."""

    desired: int = Field(0, ge=0, le=100, description="Share that was decided, in percent.")
    actual: int = Field(0, ge=0, le=100, description="Share that ready pods make, in percent.")


class StepStatus(Model):
    """Where the rollout stands in its plan."""

    index: int = Field(ge=0, le=19, description="Index of the step, from 0.")
    total: int = Field(ge=1, le=20, description="Steps in the plan.")
    entered_at: Time = Field(description="When the step was entered.")
    observed_since: Time | None = Field(
        None, description="Since when the wanted pods are ready, so that samples count."
    )
    approved: bool = Field(False, description="Whether a person has approved leaving this step.")
    in_maintenance: bool = Field(
        False, description="Whether it goes to 100% at once, because nobody is served meanwhile."
    )

    @computed_field(description="Step of steps, counted from 1, such as 2/4.")  # type: ignore[prop-decorator]
    @property
    def position(self) -> Annotated[str, Field(max_length=5)]:
        """For people: the table of ``kubectl get`` shows it."""
        return f"{self.index + 1}/{self.total}"


class Override(Model):
    """An older release that a person asked for instead of the one the spec names."""

    release: Hash = Field(description="Hash of the release that is wanted.")
    instead_of: Hash = Field(description="Hash of the spec's release when it was asked.")


class EvidenceStatus(Model):
    """One number that a verdict stands on."""

    metric: str = Field(max_length=64, description="What was measured.")
    n: Count = Field(0, description="Requests it was measured on.")
    value: str = Field("", max_length=32, description="What was seen on the candidate.")
    bound: str = Field("", max_length=32, description="What it is at least, or at most.")
    threshold: str = Field("", max_length=32, description="What it is compared with.")
    stable: str = Field("", max_length=32, description="What was seen on stable meanwhile.")


class VerdictStatus(Model):
    """The judge's last word, with its evidence."""

    verdict: Literal["Pass", "Fail", "Continue", "NoData"] = Field(description="The verdict.")
    reason: Reason = Field(description="Why, in one word.")
    message: Message = Field("", description="Why, in a sentence with numbers.")
    at: Time = Field(description="When it was given.")
    evidence: Annotated[tuple[EvidenceStatus, ...], Field(max_length=MAX_EVIDENCE)] = Field(
        (), description="The numbers behind it."
    )


class FailureStatus(Model):
    """The release that last left without becoming stable."""

    release: Hash = Field(description="Hash of the release.")
    image: str = Field(max_length=512, description="Its image.")
    outcome: FailureOutcome = Field(description="How it ended.")
    reason: Reason = Field(description="Why, in one word.")
    message: Message = Field("", description="Why, in a sentence with numbers.")
    at: Time = Field(description="When it was decided.")


class QuarantineEntry(Model):
    """A release that gets no traffic until it is let out by name."""

    release: Hash = Field(description="Hash of the release.")
    image: str = Field(max_length=512, description="Its image.")
    digest: str | None = Field(
        None, max_length=128, description="Digest that is quarantined, if it was never stable."
    )
    reason: Reason = Field(description="Why, in one word.")
    at: Time = Field(description="Since when.")


class LedgerEntry(Model):
    """One decision."""

    at: Time = Field(description="When it was decided.")
    decision: Reason = Field(description="What was decided.")
    release: str = Field("", max_length=10, description="Release it is about.")
    weight: int = Field(0, ge=0, le=100, description="Weight after the decision, in percent.")
    reason: Reason = Field(description="Why, in one word.")
    message: Message = Field("", description="Why, in a sentence with numbers.")


class HistoryEntry(Model):
    """How one release's rollout ended."""

    release: Hash = Field(description="Hash of the release.")
    image: str = Field(max_length=512, description="Its image.")
    digest: str | None = Field(None, max_length=128, description="Digest its pods ran.")
    outcome: HistoryOutcome = Field(description="How it ended.")
    started_at: Time = Field(description="When it became the candidate.")
    ended_at: Time = Field(description="When its rollout ended.")
    reason: Reason = Field(description="Why, in one word.")


class WorstCase(Model):
    """What users would see of the candidate if it failed totally at its first step."""

    seconds: float = Field(ge=0, le=1e6, description="Seconds until it is out.")
    weight: int = Field(ge=0, le=100, description="Share of traffic it has by then, in percent.")
    requests: Count = Field(description="Requests that it would fail, at the present rate.")


class Exposure(Model):
    """What users saw of a release that failed."""

    release: Hash = Field(description="Hash of the release.")
    seconds: float = Field(
        0.0, ge=0, le=MAX_COUNT, description="Seconds from its first traffic to the cut."
    )
    requests: Count = Field(0, description="Requests it answered, as its counters say.")
    errors: Count = Field(0, description="Those answered 5xx.")


class ConsumedRequest(Model):
    """A person's request that was carried out or refused, so that it is not done twice."""

    name: str = Field(max_length=32, description="Which request.")
    token: str = Field(max_length=64, description="Its token.")
    result: Reason = Field(description="What came of it.")
    at: Time = Field(description="When.")


class AlertStatus(Model):
    """An alert that was pushed in and taken in; it acts once."""

    fingerprint: str = Field(
        pattern=r"^[0-9a-f]{1,32}$", max_length=32, description="Names its set of labels."
    )
    name: str = Field(max_length=64, description="Name of the alerting rule.")
    release: str = Field("", max_length=10, description="Release it names, if any.")
    severity: Severity = Field(description="How bad it is; only a critical one rolls back.")
    starts_at: Time = Field(description="When it began to fire.")
    outcome: Literal["RolledBack", "Held", "Noted"] = Field(
        description="What came of it: a rollback, a hold of the weight, or a condition only."
    )
    at: Time = Field(description="When it was taken in.")
    seen_at: Time = Field(description="When it was last heard of.")
    resolved_at: Time | None = Field(None, description="When it was said to be over.")


class MaintenanceStatus(Model):
    """A maintenance window that is announced, goes on, or has ended within 15 minutes."""

    state: Literal["Announced", "Active", "Ended"] = Field(description="How far it is.")
    since: Time = Field(description="When it was announced, began, or ended.")
    begins: Time = Field(description="When it begins, or began.")
    until: Time | None = Field(None, description="When it ends, or ended; absent: not known.")


class Finding(Model):
    """One line of the diagnosis: what is wrong, what was seen, and what to do."""

    symptom: Reason = Field(description="Which of the common issues, in one word.")
    message: Message = Field(description="What was seen, with numbers, and what to do about it.")


class Condition(Model):
    """A condition as Kubernetes' API conventions define it."""

    type: str = Field(max_length=64, description="Which aspect.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    observed_generation: Count = Field(0, description="Generation it was computed for.")
    last_transition_time: Time = Field(description="When status last changed.")
    reason: Reason = Field(description="Why, in one word.")
    message: Annotated[str, Field(max_length=1024)] = Field("", description="Why, in a sentence.")


class SparkDeploymentStatus(Model):
    """What the operator last observed and decided."""

    observed_generation: Count = Field(0, description="Generation of the spec this is about.")
    epoch: Count = Field(0, description="Number of the last decision that moved something.")
    phase: Phase = Field("Pending", description="Where the resource stands.")
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        ),
    ] = Field((), description="Conditions by kstatus' rules and ours.")
    stable: ReleaseStatus | None = Field(None, description="The release users are served by.")
    candidate: ReleaseStatus | None = Field(None, description="The release on trial.")
    previous: ReleaseStatus | None = Field(
        None, description="The release before stable, warm while the guard lasts."
    )
    weight: Weight = Field(Weight(), description="The candidate's share of traffic.")
    step: StepStatus | None = Field(None, description="Where the rollout stands in its plan.")
    held: bool = Field(False, description="Whether a person's pause request holds the rollout.")
    override: Override | None = Field(
        None, description="A release asked for by rollback-to, until the spec names another."
    )
    verdict: VerdictStatus | None = Field(None, description="The judge's last word.")
    judge: str | None = Field(
        None, max_length=MAX_JUDGE, description="The judge's state, opaque, to outlive a restart."
    )
    baseline: str | None = Field(
        None, max_length=1024, description="How the stable release's errors come, opaque."
    )
    judge_at: Time | None = Field(None, description="When the judge's state was written.")
    first_traffic_at: Time | None = Field(
        None, description="When the candidate could first get traffic."
    )
    failure: FailureStatus | None = Field(
        None, description="Why the release in spec is not running."
    )
    worst_case: WorstCase | None = Field(
        None, description="What a total failure of the candidate would cost, by its plan."
    )
    exposure: Exposure | None = Field(None, description="What users saw of the last failure.")
    quarantine: Annotated[tuple[QuarantineEntry, ...], Field(max_length=MAX_QUARANTINE)] = Field(
        (), description="Releases that get no traffic until let out by name."
    )
    jobs: Annotated[
        tuple[JobStatus, ...],
        Field(
            max_length=MAX_JOBS,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["kind"],
            },
        ),
    ] = Field((), description="The last Job of each kind, with the result of its checks.")
    maintenance: MaintenanceStatus | None = Field(
        None, description="The maintenance window that is announced, goes on, or has just ended."
    )
    secrets_revision: str | None = Field(
        None, max_length=64, description="Names the credentials' contents that pods were given."
    )
    accepted_spec: str | None = Field(
        None,
        max_length=16_384,
        description="The last spec that was valid, opaque: in force while a later one is not.",
    )
    audited: str | None = Field(
        None, max_length=1024, description="What the spec said when it was last looked at, opaque."
    )
    diagnosis: Annotated[tuple[Finding, ...], Field(max_length=MAX_FINDINGS)] = Field(
        (), description="What the operator found about a common issue that goes on."
    )
    history: Annotated[tuple[HistoryEntry, ...], Field(max_length=MAX_HISTORY)] = Field(
        (), description="How past releases ended, newest first."
    )
    ledger: Annotated[tuple[LedgerEntry, ...], Field(max_length=MAX_LEDGER)] = Field(
        (), description="Decisions with their evidence, newest first."
    )
    notifications: NotificationsStatus | None = Field(
        None, description="The outbox; absent while no channel is configured."
    )
    requests: Annotated[tuple[ConsumedRequest, ...], Field(max_length=MAX_REQUESTS)] = Field(
        (), description="Requests by annotation that were consumed, newest first."
    )
    alerts: Annotated[tuple[AlertStatus, ...], Field(max_length=MAX_ALERTS)] = Field(
        (), description="Alerts pushed in, newest first; one that stands here acts no second time."
    )
    replicas: Count = Field(0, description="Pods of the stable release, for /scale.")
    ready_replicas: Count = Field(0, description="Those that are ready.")
    selector: str = Field("", max_length=253, description="Label selector of the pods, for /scale.")
