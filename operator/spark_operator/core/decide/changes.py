"""The changes that a draft of a status may take: the fields of the model, with their types.

``RolloutDraft.set`` takes these as keywords, so that mypy refuses a field that does not exist and a
value of a wrong type; a test holds the names and types equal to the model's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from datetime import datetime

    from spark_operator.api.status.outbox import NotificationsStatus
    from spark_operator.api.status.runs import JobStatus
    from spark_operator.api.status.status import (
        AlertStatus,
        Condition,
        ConsumedRequest,
        Exposure,
        FailureStatus,
        Finding,
        HistoryEntry,
        LedgerEntry,
        MaintenanceStatus,
        Override,
        Phase,
        QuarantineEntry,
        ReleaseStatus,
        StepStatus,
        VerdictStatus,
        Weight,
        WorstCase,
    )


class StatusChanges(TypedDict, total=False):
    """Members of ``SparkDeploymentStatus`` to replace."""

    observed_generation: int
    epoch: int
    phase: Phase
    conditions: tuple[Condition, ...]
    stable: ReleaseStatus | None
    candidate: ReleaseStatus | None
    previous: ReleaseStatus | None
    weight: Weight
    step: StepStatus | None
    held: bool
    override: Override | None
    verdict: VerdictStatus | None
    judge: str | None
    baseline: str | None
    judge_at: datetime | None
    first_traffic_at: datetime | None
    failure: FailureStatus | None
    worst_case: WorstCase | None
    exposure: Exposure | None
    quarantine: tuple[QuarantineEntry, ...]
    jobs: tuple[JobStatus, ...]
    maintenance: MaintenanceStatus | None
    secrets_revision: str | None
    accepted_spec: str | None
    audited: str | None
    diagnosis: tuple[Finding, ...]
    history: tuple[HistoryEntry, ...]
    ledger: tuple[LedgerEntry, ...]
    notifications: NotificationsStatus | None
    requests: tuple[ConsumedRequest, ...]
    alerts: tuple[AlertStatus, ...]
    replicas: int
    ready_replicas: int
    selector: str
