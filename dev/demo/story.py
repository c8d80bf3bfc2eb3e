"""The story of a rollout, told from one status of the resource to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from spark_operator.api.status.status import Condition, LedgerEntry, SparkDeploymentStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["decision", "bad", "traffic", "verdict", "trouble"]
_BAD_DECISIONS = ("RolledBack", "RollingBack", "Failed", "Quarantined", "Inconclusive", "Aborted")
_TROUBLES = ("Degraded", "Stalled")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story: what kind of thing happened, and the words for it."""

    kind: Kind
    text: str


def tell(before: SparkDeploymentStatus | None, after: SparkDeploymentStatus) -> list[Line]:
    """Tell what changed from ``before`` (None: nothing was known) to ``after``."""
    before = before or SparkDeploymentStatus()
    return [
        *(_decision(entry) for entry in decisions(before, after)),
        *_traffic(before, after),
        *_verdict(before, after),
        *_troubles(before, after),
        *_exposure(before, after),
    ]


def decisions(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> list[LedgerEntry]:
    """Return the decisions that ``after`` has and ``before`` has not, oldest first."""
    known = set(before.ledger)
    return [entry for entry in reversed(after.ledger) if entry not in known]


def standing(status: SparkDeploymentStatus) -> str:
    """Say where a rollout stands in 24 columns: phase, weight and step."""
    step = status.step.position if status.step else ""
    weight = f"{status.weight.actual}%" if status.candidate else ""
    return f"{status.phase:<12} {weight:>4} {step:>5}"


def tag(image: str) -> str:
    """Return an image's tag, or the end of its digest: what a person tells releases apart by."""
    _, at, digest = image.partition("@")
    if at:
        return digest[-12:]
    return image.rpartition(":")[2]


def _decision(entry: LedgerEntry) -> Line:
    bad = any(entry.decision.startswith(word) for word in _BAD_DECISIONS)
    because = f" ({entry.reason})" if entry.reason not in {"", entry.decision} else ""
    return Line("bad" if bad else "decision", f"{entry.decision}{because}: {entry.message}")


def _traffic(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> Iterator[Line]:
    if after.candidate is None or before.weight.actual == after.weight.actual:
        return
    pods = f"{after.candidate.ready} of {after.candidate.pods} pods ready"
    wanted = after.weight.desired
    aim = "" if wanted == after.weight.actual else f", {wanted}% wanted"
    share = f"{after.weight.actual}% of traffic on {tag(after.candidate.image)}"
    yield Line("traffic", f"{share} ({pods}{aim})")


def _verdict(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> Iterator[Line]:
    new, old = after.verdict, before.verdict
    if new is None or (old and (old.verdict, old.reason) == (new.verdict, new.reason)):
        return
    yield Line("verdict", f"judge says {new.verdict} ({new.reason}): {new.message}")


def _troubles(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> Iterator[Line]:
    known = {(c.type, c.reason) for c in before.conditions if c.status == "True"}
    for condition in after.conditions:
        if condition.status == "True" and (condition.type, condition.reason) not in known:
            yield from _trouble(condition)


def _trouble(condition: Condition) -> Iterator[Line]:
    if condition.type in _TROUBLES:
        yield Line("trouble", f"{condition.type} ({condition.reason}): {condition.message}")


def _exposure(before: SparkDeploymentStatus, after: SparkDeploymentStatus) -> Iterator[Line]:
    seen = after.exposure
    if seen is None or seen == before.exposure:
        return
    yield Line(
        "bad",
        f"the operator counts {seen.requests} requests on release {seen.release},"
        f" {seen.errors} failed, in {seen.seconds:.1f} s",
    )
