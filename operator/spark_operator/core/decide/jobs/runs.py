"""The Jobs of a resource: which must run, and what came of them.

Status holds the last Job of each kind. One that is ``Running`` is rendered; what its pod reported
is taken over into status, and from then on the object itself is of no more use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.fields import clip
from spark_operator.api.status.runs import MAX_RUNS, JobStatus
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.report.advice import advised
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.jobs import job_name, run_id, timeout
from spark_operator.core.model.reasons import DecisionReason
from spark_operator.core.observe import job_report

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobKind, JobState, SchemaStatus
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.observe.values import Job

EXIT: Final = "exit code"
"""What a reason holds that is no more than the way a container ended."""
LOOK_SECONDS: Final = 5.0
"""How often a running Job is looked at, should its last event be lost."""
GRACE_SECONDS: Final = 30.0
"""How long after its deadline a Job that nobody ends is given up."""
MOST_ATTEMPTS: Final = 3
"""Runs in a row without a result."""
TOLD: Final[dict[str, LedgerDecision]] = {
    "verify": LedgerDecision.VERIFIED,
    "traffic": LedgerDecision.TRAFFIC_SENT,
}
"""Kinds whose success is a decision's evidence and follows no phase, and what it is called."""
DECISIVE: Final = ("preflight", "migrate", "undo")
"""Kinds for which running out of time is a result, not the lack of one."""


def find(
    draft: RolloutDraft, kind: JobKind, release: str, step: int | None = None
) -> JobStatus | None:
    """Return the last Job of a kind, if it was about this release and step."""
    for job in draft.status.jobs:
        if job.kind == kind and job.release == release and job.step == step:
            return job
    return None


def start(
    draft: RolloutDraft,
    kind: JobKind,
    release: str,
    *,
    step: int | None = None,
    target: str = "",
    schema: SchemaStatus | None = None,
    repeats: int = 0,
) -> None:
    """Decide that a Job must run, in place of the last one of its kind."""
    before = next((job for job in draft.status.jobs if job.kind == kind), None)
    same = before is not None and before.release == release
    job = JobStatus(
        kind=kind,
        release=release,
        number=before.number % MAX_RUNS + 1 if before and same else 1,
        attempt=_attempt(before) if before and same and before.step == step else 1,
        repeats=repeats,
        target=target,
        step=step,
        started_at=draft.at,
        schema=schema,
    )
    others = tuple(item for item in draft.status.jobs if item.kind != kind)
    draft.set(jobs=(*others, job))
    draft.requeue_at(draft.now + LOOK_SECONDS)


def _attempt(before: JobStatus) -> int:
    """Return this run's number in its row; after a full row a new one begins at 1."""
    return before.attempt % MOST_ATTEMPTS + 1 if before.state == "Lost" else 1


def run_again(draft: RolloutDraft, job: JobStatus) -> Progress:
    """Run a Job that was lost once more: WAIT; DONE where that was tried often enough."""
    if job.attempt >= MOST_ATTEMPTS:
        return Progress.DONE
    start(
        draft,
        job.kind,
        job.release,
        step=job.step,
        target=job.target,
        schema=job.schema_,
        repeats=job.repeats,
    )
    return Progress.WAIT


def rest(draft: RolloutDraft, job: JobStatus, pause: float) -> Progress:
    """Wait until a Job ended ``pause`` seconds ago, and look again then."""
    due = (job.finished_at or job.started_at).timestamp() + pause
    if draft.now >= due:
        return Progress.DONE
    draft.requeue_at(due)
    return Progress.WAIT


def forget(draft: RolloutDraft, *kinds: JobKind) -> None:
    """Drop Jobs of these kinds from status, which stops those that still run."""
    kept = tuple(job for job in draft.status.jobs if job.kind not in kinds)
    if kept != draft.status.jobs:
        draft.set(jobs=kept)


def settle(draft: RolloutDraft) -> None:
    """Take over into status what running Jobs came to."""
    settled = tuple(
        _settled(draft, job) if job.state == "Running" else job for job in draft.status.jobs
    )
    before = draft.status.jobs
    if settled != before:
        draft.set(jobs=settled)
    for was, job in zip(before, settled, strict=True):
        if was.state != job.state and job.kind in TOLD and job.state == "Passed":
            draft.record(TOLD[job.kind], DecisionReason.PASSED, summary(job), release=job.release)
    if any(job.state == "Running" for job in settled):
        draft.requeue_at(draft.now + LOOK_SECONDS)


def _settled(draft: RolloutDraft, job: JobStatus) -> JobStatus:
    seen = draft.observations.jobs.get(job_name(draft.resource.metadata.name, job))
    limit, began = timeout(draft.resource, job.kind), job.started_at.timestamp()
    if seen is not None and seen.run == run_id(job):
        if seen.finished:
            return _finished(draft, job, seen, limit)
        # An API server that hangs makes it long after it was asked to
        began = min(max(began, seen.created), draft.now)
    if draft.now > began + limit + GRACE_SECONDS:
        if seen is None:
            # Never made while the API server was away, or taken away: nobody's fault.
            return _ended(
                draft, job, "Lost", f"no result within {limit:.0f} s: there is no such Job"
            )
        why = seen.trouble or "it did not end"
        return _ended(draft, job, _late(job), f"no result within {limit:.0f} s: {why}")
    trouble = clip(seen.trouble) if seen is not None else ""
    if EXIT in trouble and job.message and EXIT not in job.message:
        # How a pod ended says less than why it did not begin.
        return job
    return job if trouble == job.message else job.model_copy(update={"message": trouble})


def _finished(draft: RolloutDraft, job: JobStatus, seen: Job, limit: float) -> JobStatus:
    if seen.timed_out:
        why = f"not done within {limit:.0f} s: stopped"
        trouble = f" ({advised(job.message)})" if job.message else ""
        return _ended(draft, job, _late(job), why + trouble)
    if not seen.succeeded and not seen.exited:
        return _ended(draft, job, "Lost", seen.trouble or "its pod was taken away")
    found = job_report.parse(seen.report)
    ended = _ended(draft, job, "Passed" if seen.succeeded else "Failed", found.text)
    return ended.model_copy(update={"checks": found.checks, "schema_": found.schema})


def _late(job: JobStatus) -> JobState:
    return "Failed" if job.kind in DECISIVE else "Lost"


def _ended(draft: RolloutDraft, job: JobStatus, state: JobState, message: str) -> JobStatus:
    """Return the Job with how it ended; only its report says where it left the schema."""
    changed = {"state": state, "finished_at": draft.at, "message": clip(message)}
    unknown = {"schema_": None} if job.kind in ("migrate", "undo") else {}
    return job.model_copy(update=changed | unknown)


def summary(job: JobStatus) -> str:
    """Say what a Job that passed has found, in words for people."""
    return _said(job, "pass", "warn", "fail") or "it passed"


def explain(job: JobStatus) -> str:
    """Say why a Job did not pass, in words for people."""
    # A preflight may fail by its warnings alone, when none of its providers works.
    return _said(job, "fail") or _said(job, "warn") or job.message or "it said nothing"


def _said(job: JobStatus, *statuses: str) -> str:
    return "; ".join(f"{c.check}: {c.detail}" for c in job.checks if c.status in statuses)
