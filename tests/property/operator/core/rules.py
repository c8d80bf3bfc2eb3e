"""What must hold at every decision: the rules of the design that ``decide`` can keep or break.

The rules look at what was decided and at what users met, not at how it was decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from spark_operator.core.model.phases import TRANSITIONS, Phase
from spark_operator.core.render import children
from spark_operator.core.render.service import routed_release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.api.resource import SparkDeployment
    from spark_operator.api.status.status import LedgerEntry, ReleaseStatus, SparkDeploymentStatus
    from tests.property.operator.core.world import Decided, World

ON_TRIAL: Final = ("Progressing", "Paused", "Promoting")
WATCHED: Final = (*ON_TRIAL, "Guarding")
MOVING: Final = (*WATCHED, "RollingBack")
MAX_STATUS_BYTES: Final = 64 * 1024
ASKED: Final = frozenset({"PromoteRequested", "SkipRequested", "FastTrack"})
WARNING: Final = 0.05
"""The runbook's warning, below which a Pass must have seen the error rate."""


class RuleBrokenError(AssertionError):
    """A decision broke a rule; the message begins with the rule's name."""


@dataclass(slots=True)
class Watcher:
    """Checks each decision of a world, in order."""

    world: World
    seen: int = 0
    at_weight: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Requests and errors a candidate had answered when its present weight was reached."""

    def look(self) -> None:
        """Check the decisions since the last look.

        Raises:
            RuleBrokenError: with the rule and what was seen.
        """
        for decided in self.world.decisions[self.seen :]:
            self._note_weight(decided)
            for broken in self._broken(decided):
                raise RuleBrokenError(f"{broken}: {_story(decided)}")
        self.seen = len(self.world.decisions)
        del self.world.decisions[: self.seen]
        self.seen = 0

    def _note_weight(self, decided: Decided) -> None:
        before, after = decided.before.status, decided.after.status
        if after.candidate is None or after.step is None:
            return
        since = after.step.observed_since
        if since is not None and (before.step is None or before.step.observed_since != since):
            requests, errors = self.world.answered.get(after.candidate.release, [0.0, 0.0])
            self.at_weight[after.candidate.release] = (requests, errors)

    def _broken(self, decided: Decided) -> Iterator[str]:
        yield from stable_keeps_its_pods(decided)
        yield from self._rises_on_pass_only(decided)
        yield from fail_cuts_at_once(decided)
        yield from quarantine_holds(decided, self.world)
        yield from shared_is_not_blamed(decided)
        yield from told(decided)
        yield from well_formed(decided)
        yield from wakes(decided)

    def _rises_on_pass_only(self, decided: Decided) -> Iterator[str]:
        before, after = decided.before.status, decided.after.status
        for entry in _new(decided):
            if entry.decision not in ("StepAdvanced", "Promoting") or entry.reason in ASKED:
                continue
            if before.weight.desired == 0:
                continue
            if decided.verdict is None or decided.verdict.kind != "Pass":
                yield "2: traffic rose without a Pass"
            elif after.candidate is not None:
                yield from self._on_samples(after.candidate, decided)
        rose = after.weight.desired > before.weight.desired
        if rose and before.stable and not _new(decided):
            yield "2: traffic rose without a word in the ledger"

    def _on_samples(self, role: ReleaseStatus, decided: Decided) -> Iterator[str]:
        requests, errors = self.world.answered.get(role.release, [0.0, 0.0])
        old = self.at_weight.get(role.release, (0.0, 0.0))
        here, failed = requests - old[0], errors - old[1]
        counted = decided.verdict.step_requests if decided.verdict else 0
        if counted > here + len(decided.seen.workload(role.release).pods):
            yield f"2: a Pass counts {counted} requests, {here:.0f} were made at this weight"
        if here < 1 or failed / here > WARNING:
            yield f"2: a Pass on {failed:.0f} errors in {here:.0f} requests at this weight"


def stable_keeps_its_pods(decided: Decided) -> Iterator[str]:
    """Rule 1."""
    before, after, spec = decided.before.status, decided.after.status, decided.after.spec
    wanted = children.replicas(decided.after)
    if after.stable and wanted[after.stable.release] < spec.replicas:
        yield "1: stable is given fewer pods than it needs"
    to, was = routed_release(decided.after), routed_release(decided.before)
    if to != was and before.stable and after.candidate and to == after.candidate.release:
        ready = decided.seen.workload(to).ready
        if ready < spec.replicas:
            yield f"1: all traffic goes to {ready} ready pods of {spec.replicas}"
    new = before.stable and after.stable and after.stable.release != before.stable.release
    if after.stable and new and decided.seen.workload(after.stable.release).ready == 0:
        yield "1: a release without ready pods becomes stable"


def fail_cuts_at_once(decided: Decided) -> Iterator[str]:
    """Rules 3 and 4: whatever the reason, and whatever else is wanted."""
    before, after = decided.before.status, decided.after.status
    failed = decided.verdict is not None and decided.verdict.kind == "Fail"
    if not failed or not decided.after.spec.rollback.automatic or before.phase not in WATCHED:
        return
    failing = before.candidate or before.stable
    if failing and routed_release(decided.after) in (None, failing.release):
        yield "4: a Fail did not cut the traffic"
    if after.phase not in ("RollingBack", "RolledBack", "Pending", "Stable"):
        yield "4: a Fail did not end the trial"
    if failing and failing.release not in {entry.release for entry in after.quarantine}:
        yield "5: a failed release is not quarantined"


def quarantine_holds(decided: Decided, world: World) -> Iterator[str]:
    """Rule 5: by hash, and by image where that was never stable."""
    after = decided.after.status
    role, to = after.candidate, routed_release(decided.after)
    if role is None or (after.stable and to == after.stable.release):
        return
    hashes = {entry.release for entry in after.quarantine}
    digests = {entry.digest for entry in after.quarantine if entry.digest}
    has_traffic = after.phase in ON_TRIAL and after.first_traffic_at is not None
    if has_traffic and (role.release in hashes or world.digest(role.release) in digests):
        yield "5: a quarantined release has traffic"


def shared_is_not_blamed(decided: Decided) -> Iterator[str]:
    """Rule 7."""
    verdict = decided.verdict
    if verdict is None or not verdict.shared or verdict.kind == "Fail":
        return
    risen = [entry for entry in _new(decided) if entry.decision in ("StepAdvanced", "Promoting")]
    if any(entry.reason not in ASKED for entry in risen):
        yield "7: traffic rose while stable failed the same way"
    blamed = set(decided.after.status.quarantine) - set(decided.before.status.quarantine)
    if any(entry.reason != "ReleaseQuarantined" for entry in blamed):
        yield "7: a release is blamed for what stable fails at as well"


def told(decided: Decided) -> Iterator[str]:
    """What moves traffic is in the ledger, and raises the epoch."""
    if routed_release(decided.before) == routed_release(decided.after):
        return
    if not _new(decided) and decided.before.status.stable:
        yield "ledger: traffic moved without a word"
    if decided.after.status.epoch <= decided.before.status.epoch:
        yield "epoch: traffic moved and the epoch did not rise"


def well_formed(decided: Decided) -> Iterator[str]:
    """Bounds, kstatus, and a way from each phase to the next."""
    status = decided.after.status
    size = len(status.model_dump_json(by_alias=True, exclude_none=True).encode())
    if size > MAX_STATUS_BYTES:
        yield f"bounds: the status has {size} bytes"
    found = {item.type: item.status for item in status.conditions}
    if found["Reconciling"] == found["Stalled"] == "True":
        yield "kstatus: Reconciling and Stalled"
    if found["Ready"] == "True" and "True" in (found["Reconciling"], found["Stalled"]):
        yield "kstatus: Ready and not at rest"
    if not _leads(Phase(decided.before.status.phase), Phase(status.phase)):
        yield f"phases: no way from {decided.before.status.phase} to {status.phase}"
    if status.observed_generation != decided.after_generation:
        yield "kstatus: an old generation"


def wakes(decided: Decided) -> Iterator[str]:
    """A resource that is not at rest looks again by itself within a second."""
    due = decided.decision.next_due
    if decided.after.status.phase in MOVING and (due is None or due > decided.now + 1.001):
        yield f"wakes: {decided.after.status.phase} is not looked at again"


def _leads(source: Phase, target: Phase, most: int = 3) -> bool:
    if source is target:
        return True
    return most > 0 and any(_leads(step, target, most - 1) for step in TRANSITIONS[source])


def _new(decided: Decided) -> tuple[LedgerEntry, ...]:
    """Ledger entries of this decision."""
    before: SparkDeploymentStatus = decided.before.status
    ledger = decided.after.status.ledger
    known = before.ledger[0] if before.ledger else None
    fresh = []
    for entry in ledger:
        if entry == known:
            break
        fresh.append(entry)
    return tuple(fresh)


def _story(decided: Decided) -> str:
    def of(resource: SparkDeployment) -> str:
        status = resource.status
        roles = (status.stable, status.candidate, status.previous)
        names = "/".join(role.release if role else "-" for role in roles)
        return f"{status.phase} {status.weight.desired}% {names} to {routed_release(resource)}"

    verdict = (
        f"{decided.verdict.kind} {decided.verdict.reason}" if decided.verdict else "no verdict"
    )
    return f"{of(decided.before)} => {of(decided.after)}; {verdict}"
