"""One bad release: applied, found, taken off traffic, and forgotten again."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.rollback.cells import FAULTS
from tests.e2e.support.stage import config, image, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.rollback.cells import Cell
    from spark_operator.api.status.status import SparkDeploymentStatus
    from tests.e2e.support.stage import Stage

STABLE = "1.0.0"
ROLLBACK_SECONDS = 240.0


class RollbackError(Exception):
    """A bad release was let through, or given up for another reason."""


@dataclass(frozen=True, slots=True)
class Run:
    """One rollback as users saw it; times in seconds.

    Attributes:
        exposed: first bad answer (or the alert's sending) to last bad answer.
        decided: the same beginning to the decision.
        cut: the decision to the last bad answer.
        bad: bad answers.
        answers: all answers of the bad release.
        other_failures: failures of other releases' answers, which must be none.
        unsent: requests that the users had no time to send.
        p95: of stable's answers meanwhile.
        took: the whole run.
        reason: why the release was thrown out.
    """

    exposed: float
    decided: float
    cut: float
    bad: int
    answers: int
    other_failures: int
    unsent: int
    p95: float
    took: float
    reason: str


async def one(
    stage: Stage, cell: Cell, number: int, push: Callable[[str], Awaitable[float]]
) -> Run:
    """Apply a bad release, wait for its end, go back to the good one, account for it.

    Args:
        stage: where stable serves and users ask.
        cell: what is measured.
        number: makes this release differ from those before.
        push: sends an alert about a release; when it was sent, seconds since the epoch.

    Raises:
        RollbackError: the release was not found to be bad.
    """
    began, before = time.monotonic(), await stage.control()
    await stage.apply(image=image(FAULTS[cell.fault]), config=config(RUN=str(number)))
    alerted = await _alerted(stage, push) if cell.ended_by == "alert" else None
    status = await stage.until("the rollback", _is_over, seconds=ROLLBACK_SECONDS)
    failure = status.failure
    if failure is None or failure.outcome != "Failed":
        raise RollbackError(f"{cell.name} was not found to be bad: {failure}")
    await _gone(stage, failure.release)
    after, results = await stage.control(), await stage.results(int(before["last"]))
    await _forget(stage, failure.release, number)
    cut = next(e.at.timestamp() for e in status.ledger if e.decision == "RollingBack")
    mine = [item for item in results if item.release == failure.release]
    bad = [item.at + item.latency for item in mine if item.failed]
    others = [item for item in results if item.release != failure.release]
    if not bad:
        raise RollbackError(f"{cell.name}: users saw no bad answer: is the load on?")
    zero = min(bad) if alerted is None else alerted
    return Run(
        # The last bad answer may have come before the alert was sent
        exposed=max(0.0, max(bad) - zero),
        decided=cut - zero,
        cut=max(bad) - cut,
        bad=len(bad),
        answers=len(mine),
        other_failures=sum(item.failed for item in others),
        unsent=int(after["unsent"]) - int(before["unsent"]),
        p95=statistics.quantiles([item.latency for item in others if item.status], n=20)[-1],
        took=time.monotonic() - began,
        reason=failure.reason,
    )


def _is_over(status: SparkDeploymentStatus) -> bool:
    return status.phase == "RolledBack" and status.failure is not None


async def _alerted(stage: Stage, push: Callable[[str], Awaitable[float]]) -> float:
    """Push an alert as soon as the release has failed a user, as a rule would; when."""
    status = await stage.until(
        "first traffic",
        lambda s: s.candidate is not None and s.phase == "Progressing" and s.weight.actual > 0,
    )
    if status.candidate is None:
        raise RollbackError("the release was gone before it could be alerted about")
    since = await stage.newest()
    async with asyncio.timeout(ROLLBACK_SECONDS):
        while True:
            found = await stage.results(since)
            if any(item.failed and item.release == status.candidate.release for item in found):
                return await push(status.candidate.release)
            since = found[-1].seq if found else since


async def _gone(stage: Stage, release: str) -> None:
    """Wait until no pod of a release is left to answer anybody."""
    await stage.kubectl.run(
        "wait", "--for=delete", "pod", f"--namespace={stage.namespace}",
        f"--selector={serving(release)}", "--timeout=90s", seconds=100,
    )  # fmt: skip


async def _forget(stage: Stage, release: str, number: int) -> None:
    """Go back to the good release, and let the bad image be tried again."""
    await stage.apply(image=image(STABLE), config=config())
    await stage.until("stable again", lambda s: s.phase == "Stable")
    await stage.annotate("let-out", f"{release}@{number}")
    await stage.until("let out", lambda s: all(e.release != release for e in s.quarantine))


def summary(cell: Cell, runs: list[Run]) -> dict[str, Any]:
    """Return a cell's medians with their spread."""
    exposed = [run.exposed for run in runs]
    median = statistics.median(exposed)
    return {
        "runs": len(runs),
        "exposed_seconds": {
            "min": round(min(exposed), 2),
            "median": round(median, 2),
            "max": round(max(exposed), 2),
            "bound": cell.bound,
        },
        "within_bound": median <= cell.bound,
        "decided_seconds_median": round(statistics.median(run.decided for run in runs), 2),
        "cut_seconds": {
            "median": round(statistics.median(run.cut for run in runs), 2),
            "max": round(max(run.cut for run in runs), 2),
        },
        "bad_answers_median": statistics.median(run.bad for run in runs),
        "failures_of_other_releases": sum(run.other_failures for run in runs),
        "unsent": sum(run.unsent for run in runs),
        "stable_p95_seconds_median": round(statistics.median(run.p95 for run in runs), 3),
        "run_seconds_median": round(statistics.median(run.took for run in runs), 1),
        "reasons": sorted({run.reason for run in runs}),
    }
