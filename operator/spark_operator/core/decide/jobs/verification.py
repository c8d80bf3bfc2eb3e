"""Verification: a health check, a generation and an export through the service's real API.

A release that fails it is not blamed before the release beside it has passed the same, and it has
failed once more: what fails on both is the provider's, or the network's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from spark_operator.core.decide.jobs import runs
from spark_operator.core.decide.rollback import roll_back
from spark_operator.core.model.phases import WATCHED, Phase

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


def passed(draft: RolloutDraft) -> bool:
    """Whether the watched release passes its verification here; it may end the trial instead."""
    if not draft.spec.verification.enabled:
        return True
    subject = _subject(draft)
    if subject is None:
        return True
    job = runs.find(draft, "verify", subject.release, subject.step)
    if job is None:
        _verify(draft, subject)
    elif job.state == "Lost" and not runs.again(draft, job):
        _repeat_later(draft, subject, job)
    elif job.state == "Failed":
        _suspect(draft, subject, job)
    return job is not None and job.state == "Passed"


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


def _suspect(draft: RolloutDraft, subject: Subject, job: JobStatus) -> None:
    """The release failed: see whether the one beside it does, and whether it does again."""
    if not subject.beside:
        _repeat_later(draft, subject, job)
        return
    beside = runs.find(draft, "compare", subject.release, subject.step)
    if beside is None or (job.finished_at and beside.started_at < job.finished_at):
        runs.start(draft, "compare", subject.release, step=subject.step, target=subject.beside)
    elif beside.state == "Running" or (beside.state == "Lost" and runs.again(draft, beside)):
        return
    elif beside.state == "Passed":
        _accuse(draft, subject, job)
    else:
        _repeat_later(draft, subject, job)


def _accuse(draft: RolloutDraft, subject: Subject, job: JobStatus) -> None:
    """Twice is enough: one failure may be a hiccup."""
    why = runs.explain(job)
    if job.repeats and not draft.spec.rollback.automatic:
        if runs.has_rested(draft, job, REPEAT_SECONDS):
            _verify(draft, subject, repeats=job.repeats)
    elif job.repeats:
        message = f"twice, while the release beside it passes: {why}"
        roll_back(draft, "Failed", "VerificationFailed", message)
    else:
        draft.record(
            "VerificationRepeated",
            "FailedOnce",
            f"the release beside it passes: once more before it is given up: {why}",
            release=job.release,
            warning=True,
        )
        _verify(draft, subject, repeats=1)


def _repeat_later(draft: RolloutDraft, subject: Subject, job: JobStatus) -> None:
    """Nobody is blamed: hold, and look again; the step's deadline bounds it."""
    if runs.has_rested(draft, job, REPEAT_SECONDS):
        _verify(draft, subject)


def _verify(draft: RolloutDraft, subject: Subject, *, repeats: int = 0) -> None:
    runs.start(
        draft,
        "verify",
        subject.release,
        step=subject.step,
        target=subject.address,
        repeats=repeats,
    )
