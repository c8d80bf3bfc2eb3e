"""Verification: a health check, a generation and an export through the service's real API.

A release that fails it is not blamed before the release beside it has passed the same, and it has
failed once more: what fails on both is the provider's, or the network's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.api.status.outcomes import RolloutOutcome
from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.progress import Progress
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.model.decisions import LedgerDecision
from spark_operator.core.model.phases import WATCHED, Phase
from spark_operator.core.model.reasons import DecisionReason

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobStatus
    from spark_operator.core.decide.draft import RolloutDraft
    from spark_operator.core.observe.values import Workload

REPEAT_SECONDS: Final = 30.0
"""How soon what failed on both releases is tried again."""


class Subject(NamedTuple):
    """What is verified, and what it is compared with."""

    release: str
    step: int | None
    address: str
    beside: str
    """Address of the release it is compared with; empty: there is none."""


def verify(draft: RolloutDraft) -> Progress:
    """Verify the watched release here, and give it up where it fails twice and its neighbour not.

    Returns:
        DONE once it has passed, or where nothing is to be verified; LEFT_PHASE where it was given
        up.
    """
    subject = _subject(draft) if draft.spec.verification.enabled else None
    if subject is None:
        return Progress.DONE
    job = runs.find(draft, "verify", subject.release, subject.step)
    if job is None:
        return _verify(draft, subject)
    if job.state == "Lost" and runs.run_again(draft, job) is Progress.DONE:
        return _repeat_later(draft, subject, job)
    if job.state == "Failed":
        return _suspect(draft, subject, job)
    return Progress.DONE if job.state == "Passed" else Progress.WAIT


def is_shared(draft: RolloutDraft) -> bool:
    """Whether both releases fail their verification, so that neither is blamed."""
    if draft.phase not in WATCHED:
        return False
    last = {job.kind: job.state for job in draft.status.jobs}
    return last.get("verify") == "Failed" == last.get("compare")


def unanswered(draft: RolloutDraft) -> str:
    """Why the watched release is to blame and is not rolled back by itself; empty: it is not so."""
    last = {job.kind: job for job in draft.status.jobs}
    job, beside = last.get("verify"), last.get("compare")
    if draft.spec.rollback.automatic or draft.phase not in WATCHED or not job or not beside:
        return ""
    if job.state != "Failed" or not job.repeats or beside.state != "Passed":
        return ""
    return f"{runs.explain(job)}; rollback.automatic is false: abort the rollout yourself"


def _subject(draft: RolloutDraft) -> Subject | None:
    """What is to be verified in this phase; None where nothing can be."""
    name, status = draft.resource.metadata.name, draft.status
    if draft.phase is Phase.GUARDING and status.stable is not None:
        previous = _address_of(draft, draft.previous)
        return Subject(status.stable.release, None, f"http://{name}-stable", previous)
    if status.candidate is None:
        return None
    beside = f"http://{name}-stable" if status.stable is not None else ""
    step = status.step.index if status.step else None
    return Subject(status.candidate.release, step, f"http://{name}-candidate", beside)


def _address_of(draft: RolloutDraft, work: Workload) -> str:
    """Address of the first ready pod of a release that no Service selects; empty: none is."""
    ip = next((pod.ip for pod in work.live if pod.ready and pod.ip), "")
    host = f"[{ip}]" if ":" in ip else ip
    return f"http://{host}:{draft.spec.pod.port}" if ip else ""


def _suspect(draft: RolloutDraft, subject: Subject, job: JobStatus) -> Progress:
    """See whether the release beside it fails too, and whether it fails again."""
    if not subject.beside:
        return _repeat_later(draft, subject, job)
    beside = runs.find(draft, "compare", subject.release, subject.step)
    if beside is None or (job.finished_at and beside.started_at < job.finished_at):
        runs.start(draft, "compare", subject.release, step=subject.step, target=subject.beside)
        return Progress.WAIT
    if beside.state == "Running":
        return Progress.WAIT
    if beside.state == "Lost" and runs.run_again(draft, beside) is Progress.WAIT:
        return Progress.WAIT
    if beside.state == "Passed":
        return _accuse(draft, subject, job)
    return _repeat_later(draft, subject, job)


def _accuse(draft: RolloutDraft, subject: Subject, job: JobStatus) -> Progress:
    """Give the release up once it has failed twice: one failure may be a hiccup."""
    why = runs.explain(job)
    if job.repeats and not draft.spec.rollback.automatic:
        if runs.rest(draft, job, REPEAT_SECONDS) is Progress.WAIT:
            return Progress.WAIT
        return _verify(draft, subject, repeats=job.repeats)
    if job.repeats:
        message = f"twice, while the release beside it passes: {why}"
        roll_back(draft, RolloutOutcome.FAILED, DecisionReason.VERIFICATION_FAILED, message)
        return Progress.LEFT_PHASE
    draft.record(
        LedgerDecision.VERIFICATION_REPEATED,
        DecisionReason.FAILED_ONCE,
        f"the release beside it passes: once more before it is given up: {why}",
        release=job.release,
        warning=True,
    )
    return _verify(draft, subject, repeats=1)


def _repeat_later(draft: RolloutDraft, subject: Subject, job: JobStatus) -> Progress:
    """Blame nobody: hold, and look again; the step's deadline bounds it."""
    if runs.rest(draft, job, REPEAT_SECONDS) is Progress.WAIT:
        return Progress.WAIT
    return _verify(draft, subject)


def _verify(draft: RolloutDraft, subject: Subject, *, repeats: int = 0) -> Progress:
    runs.start(
        draft,
        "verify",
        subject.release,
        step=subject.step,
        target=subject.address,
        repeats=repeats,
    )
    return Progress.WAIT
