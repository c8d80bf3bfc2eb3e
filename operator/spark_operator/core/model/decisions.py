"""What the ledger and Events call each decision."""

from __future__ import annotations

from spark_operator.api.described import DescribedEnum


class LedgerDecision(DescribedEnum):
    """A decision, as ``status.ledger`` and the Event about it name it."""

    INSTALLING = "Installing", "The first release is being started."
    INSTALLED = "Installed", "The first release is stable."
    SPEC_CHANGED = "SpecChanged", "Somebody changed the spec; the message names who and what."
    PREFLIGHT_STARTED = "PreflightStarted", "The preflight of a release runs as a Job."
    PREFLIGHT_PASSED = "PreflightPassed", "The preflight found nothing that stops the release."
    MIGRATION_STARTED = "MigrationStarted", "The migration of a release runs as a Job."
    MIGRATED = "Migrated", "The schema is where the release needs it."
    MIGRATION_UNDONE = "MigrationUndone", "The schema was brought back."
    MIGRATION_ROLLBACK_FAILED = (
        "MigrationRollbackFailed",
        "The schema could not be brought back: a person has to do it.",
    )
    SCHEMA_KEPT = "SchemaKept", "The release went away and its schema stays."
    TRIAL_STARTED = "TrialStarted", "A release is on trial."
    EXPOSURE_FORESEEN = "ExposureForeseen", "What a total failure of the release would cost."
    TRAFFIC_STARTED = "TrafficStarted", "The candidate gets its first traffic."
    STEP_ADVANCED = "StepAdvanced", "The candidate's weight was raised to the next step."
    VERIFIED = "Verified", "The verification passed."
    VERIFICATION_REPEATED = "VerificationRepeated", "The verification failed and runs once more."
    TRAFFIC_SENT = "TrafficSent", "Synthetic requests were sent."
    SYNTHETIC_TRAFFIC = "SyntheticTraffic", "Synthetic requests are sent: users send too few."
    PAUSED = "Paused", "The weight is held until a person lets the rollout go on."
    RESUMED = "Resumed", "The rollout goes on after a pause."
    PROMOTING = "Promoting", "The candidate gets all its pods, then all traffic."
    TRAFFIC_SWITCHED = "TrafficSwitched", "All new connections go to the candidate."
    PROMOTED = "Promoted", "The candidate is stable now."
    GUARD_ENDED = "GuardEnded", "The watch after promotion is over; the previous release stops."
    ROLLING_BACK = "RollingBack", "Traffic was taken off a release."
    ROLLED_BACK = "RolledBack", "The way back is finished."
    REQUEST_CONSUMED = "RequestConsumed", "A person's request by annotation was answered."
    ALERT_RECEIVED = "AlertReceived", "An alert about the release or the service came in."
    ALERT_RESOLVED = "AlertResolved", "An alert that came in is over."
    PROVIDER_DOWN = "ProviderDown", "A provider does not answer on any pod."
    SECRETS_ROTATED = "SecretsRotated", "A credential that the resource refers to has changed."
    FROZEN = "Frozen", "A release waits for a freeze to end."
    ISOLATED = "Isolated", "The service was cut off for an investigation."
    ISOLATION_ENDED = "IsolationEnded", "The service is connected again."
    MAINTENANCE_ANNOUNCED = "MaintenanceAnnounced", "A maintenance window will begin."
    MAINTENANCE_STARTED = "MaintenanceStarted", "Users are answered 503 on purpose."
    MAINTENANCE_ENDED = "MaintenanceEnded", "Users are served again."
    MAINTENANCE_CANCELLED = "MaintenanceCancelled", "An announced window is not held."
