"""Why something was decided, or a condition holds, in one word."""

from __future__ import annotations

from typing import NewType

from spark_operator.api.described import DescribedEnum
from spark_operator.core.judge.verdict import VerdictReason


class DecisionReason(DescribedEnum):
    """Why a decision was made; the judge's own reasons stand beside these."""

    PASSED = "Passed", "The judge, or a Job's checks, passed the release."
    READINESS_ONLY = "ReadinessOnly", "There was nothing to judge, and the spec says to go on."
    FIRST_RELEASE = "FirstRelease", "There is no release to compare with yet."
    NEW_RELEASE = "NewRelease", "The spec names a release that was never stable."
    FAST_TRACK = "FastTrack", "The spec names a release that was stable before."
    MAINTENANCE_WINDOW = "MaintenanceWindow", "Users are not served, so no step is needed."
    CANDIDATE_READY = "CandidateReady", "The candidate's pods are ready."
    PLAN_ACCEPTED = "PlanAccepted", "The plan and the request rate are known."
    LOW_TRAFFIC = "LowTraffic", "Users send too few requests to judge by."
    FAILED_ONCE = "FailedOnce", "One failure is not believed alone."
    SPEC_PAUSED = "SpecPaused", "``spec.paused`` is true."
    PAUSE_REQUESTED = "PauseRequested", "A person asked to hold the rollout."
    MANUAL_STEP = "ManualStep", "The step is left by a person's word only."
    RESUMED = "Resumed", "The pause is over."
    UNWATCHED = "Unwatched", "Nobody could watch the release to the guard's end."
    GUARD_ENDED = "GuardEnded", "The guard's time is over without a failure."
    SPEC_REVERTED = "SpecReverted", "The spec names the older release again."
    NEWER_RELEASE = "NewerRelease", "The spec names a further release."
    SKIP_REQUESTED = "SkipRequested", "A person asked to skip the step."
    PROMOTE_REQUESTED = "PromoteRequested", "A person asked to promote now."
    ABORT_REQUESTED = "AbortRequested", "A person asked to abort the rollout."
    RELEASE_QUARANTINED = "ReleaseQuarantined", "The release, or its image, failed before."
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded", "Pods did not get ready in time."
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence", "Nothing was proven within the step's time."
    PREFLIGHT_FAILED = "PreflightFailed", "A check before the release failed."
    MIGRATION_FAILED = "MigrationFailed", "The migration did not finish."
    VERIFICATION_FAILED = "VerificationFailed", "The release fails its verification, stable not."
    ROLLBACK_ALLOWED = "RollbackAllowed", "``migrations.rollback`` is Allowed: a person decides."
    ROLLBACK_FORBIDDEN = "RollbackForbidden", "``migrations.rollback`` is Forbidden."
    ROLLBACK_AUTOMATIC = "RollbackAutomatic", "``migrations.rollback`` is Automatic."
    JOB_FAILED = "Failed", "A Job failed."
    JOB_LOST = "Lost", "A Job ended without a result."
    ALERT_FIRING = "AlertFiring", "A critical alert fires."
    RESOLVED = "Resolved", "The alert is over."
    BREAKER_OPEN = "BreakerOpen", "A provider's circuit breaker is open on every pod."
    TAKEN_UP_LIVE = "TakenUpLive", "Running pods take it up without a restart."
    REFERENCE_CHANGED = "ReferenceChanged", "The spec refers to another Secret or key."
    CONTENT_CHANGED = "ContentChanged", "A Secret's content changed."
    EDITED = "Edited", "Somebody wrote the resource."
    FREEZE = "Freeze", "``spec.freeze`` holds new releases back."
    ISOLATION_REQUESTED = "IsolationRequested", "``spec.isolated`` is true."
    ISOLATION_ENDED = "IsolationEnded", "``spec.isolated`` is false again."
    SCHEDULED = "Scheduled", "``spec.maintenance`` names the window."
    RESCHEDULED = "Rescheduled", "``spec.maintenance`` names another window."
    REQUESTED = "Requested", "``spec.maintenance.enabled`` is true."
    OVER = "Over", "The window is over."
    MISSED = "Missed", "The operator was away during the whole window."
    WITHDRAWN = "Withdrawn", "``spec.maintenance`` does not name the window any more."


class RequestResult(DescribedEnum):
    """What came of a person's request by annotation."""

    DONE = "Done", "The request was carried out."
    TOKEN_TOO_LONG = "TokenTooLong", "The token has more than 64 characters: use a shorter one."
    INTERNAL_ERROR = "InternalError", "A fault of the operator: see the condition Degraded."
    NOTHING_TO_RETRY = "NothingToRetry", "No release waits for a retry."
    RELEASE_QUARANTINED = "ReleaseQuarantined", "The release failed before: let it out first."
    NOT_QUARANTINED = "NotQuarantined", "No such release is in quarantine."
    MIGRATION_RUNNING = "MigrationRunning", "A migration is never cut off: ask again after it."
    NOTHING_TO_RETURN_TO = "NothingToReturnTo", "There is no release to go back to."
    NOTHING_TO_ABORT = "NothingToAbort", "No rollout is under way."
    NOTHING_ON_TRIAL = "NothingOnTrial", "No release is on trial."
    CANDIDATE_NOT_READY = "CandidateNotReady", "The candidate's pods are not ready yet."
    NOT_HELD = "NotHeld", "Nobody holds the rollout."
    UNKNOWN_RELEASE = "UnknownRelease", "No ControllerRevision has this release."
    ROLLOUT_IN_PROGRESS = "RolloutInProgress", "Ask again when the rollout is over."
    NOTHING_MIGRATED = "NothingMigrated", "No release has migrated the schema."
    MIGRATION_FORBIDDEN = "MigrationForbidden", "``migrations.rollback`` is Forbidden."
    STABLE_NEEDS_SCHEMA = "StableNeedsSchema", "The stable release needs the schema as it is."
    ALREADY_UNDOING = "AlreadyUndoing", "The migration is being undone."
    VERSION_NEEDED = "VersionNeeded", "Say to which version: undo-migration: VERSION@TOKEN."


class ConditionReason(DescribedEnum):
    """Why a condition holds or does not; phases and the judge's reasons stand beside these."""

    INTERNAL_ERROR = "InternalError", "A part of the operator failed; the rest goes on without it."
    VALID = "Valid", "The resource was read."
    INVALID_RESOURCE = "InvalidResource", "The resource cannot be read; the message says where."
    NAME_TAKEN = "NameTaken", "An object of somebody else has a name that this resource needs."
    PROGRESSING = "Progressing", "Nothing stops the rollout."
    FROZEN = "Frozen", "A release waits for a freeze to end."
    ROLLBACK_REQUESTED = "RollbackRequested", "A person asked for an older release than the spec's."
    RELEASE_QUARANTINED = "ReleaseQuarantined", "The release in the spec failed."
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded", "Pods did not get ready in time."
    PREFLIGHT_FAILED = "PreflightFailed", "The first release's preflight failed."
    MIGRATION_FAILED = "MigrationFailed", "The first release's migration failed."
    VERIFICATION_FAILED = "VerificationFailed", "A verification failed, and nobody answers it."
    SHARED_VERIFICATION_FAILURE = (
        "SharedVerificationFailure",
        "Both releases fail their verification.",
    )
    MIGRATION_ROLLBACK_FAILED = "MigrationRollbackFailed", "The schema was not brought back."
    REVISION_MISSING = "RevisionMissing", "A release's ControllerRevision is gone."
    PODS_NOT_READY = "PodsNotReady", "Fewer pods are ready than the spec asks for."
    NOTHING_STABLE = "NothingStable", "No release is stable yet."
    NO_READY_PODS = "NoReadyPods", "The stable release has no ready pod."
    STABLE_SERVES = "StableServes", "The stable release answers users."
    MAINTENANCE = "Maintenance", "Users are answered 503 on purpose."
    NOT_IN_MAINTENANCE = "NotInMaintenance", "No window is announced or goes on."
    ANNOUNCED = "Announced", "A maintenance window will begin."
    ACTIVE = "Active", "A maintenance window goes on."
    ISOLATED = "Isolated", "The service is cut off for an investigation."
    ISOLATION_REQUESTED = "IsolationRequested", "``spec.isolated`` is true."
    NOT_ISOLATED = "NotIsolated", "The service is not cut off."
    ALERT_FIRING = "AlertFiring", "A critical alert fires."
    ALERT_WARNING = "AlertWarning", "An alert fires that is no critical one."
    PROVIDER_DOWN = "ProviderDown", "A provider does not answer on any pod."
    AS_EXPECTED = "AsExpected", "Nothing is worse than it should be."
    NO_ROLLBACK = "NoRollback", "No release was rolled back."
    PAUSED = "Paused", "The weight is held."
    NOT_PAUSED = "NotPaused", "The rollout is not held."
    NO_SYMPTOM = "NoSymptom", "The diagnosis found nothing."
    CHANNEL_FAILING = "ChannelFailing", "A channel has not taken a notification for 60 s."
    DELIVERED = "Delivered", "No notification waits for longer than 60 s."


StoredReason = NewType("StoredReason", str)
"""A reason that status, an alert or a person gave: it is passed on as it is."""
Reason = DecisionReason | VerdictReason | RequestResult | StoredReason
"""Everything that the ledger takes for a reason."""
