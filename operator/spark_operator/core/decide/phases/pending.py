"""Before a trial: install the first release, or make sure that a trial may start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spark_operator.api.status.status import Weight
from spark_operator.api.values import seconds
from spark_operator.core.decide import quarantine
from spark_operator.core.decide.jobs import runs, verification
from spark_operator.core.decide.phases.preparation import prepare
from spark_operator.core.decide.rollback import fail
from spark_operator.core.decide.signals import freeze
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.api.status.runs import JobKind
    from spark_operator.core.decide.draft import Turn

ABOUT_TRAFFIC: Final[tuple[JobKind, ...]] = ("verify", "compare", "traffic")
"""Jobs that are about a trial and its traffic, and of no use to the next one."""
SETTLE_SECONDS: Final = 5.0
"""How often it is looked whether an earlier release is gone, should its last event be lost."""


def pending(turn: Turn) -> None:
    """Install the first release, or get ready for a trial."""
    if turn.status.stable is None:
        _install(turn)
        return
    desired = turn.desired.name
    if desired == turn.status.stable.release:
        turn.set(failure=None)
        turn.go(Phase.STABLE)
        return
    held = quarantine.find(turn.status, desired)
    if held:
        message = (
            f"{turn.desired.image} was quarantined at {held.at:%Y-%m-%d %H:%M:%S}Z ({held.reason}):"
            f" apply another release, or let it out with the annotation"
            f" spark.dev/let-out: {desired}@TOKEN"
        )
        fail(turn, turn.role(turn.desired), "Failed", "ReleaseQuarantined", message)
        turn.go(Phase.ROLLED_BACK)
        return
    if turn.status.failure and turn.status.failure.release == desired:
        turn.go(Phase.ROLLED_BACK)
        return
    if freeze.hold_back(turn):
        return
    if turn.third_release:
        turn.dues.append(turn.now + SETTLE_SECONDS)
        return
    _start_trial(turn)


def _install(turn: Turn) -> None:
    role = turn.status.candidate
    if role is None or role.release != turn.desired.name:
        turn.set(
            candidate=turn.role(turn.desired),
            weight=Weight(desired=100, actual=0),
            step=None,
            failure=None,
        )
        turn.note(
            "Installing",
            "FirstRelease",
            f"first release {turn.desired.image} is being started: nothing to compare it with",
            release=turn.desired.name,
        )
        turn.dues.append(turn.now)
        prepare(turn)
        return
    if turn.candidate.ready < turn.spec.replicas:
        deadline = role.since.timestamp() + seconds(turn.spec.strategy.canary.progress_deadline)
        if turn.now < deadline:
            turn.dues.append(deadline)
        return
    if not verification.passed(turn):
        return
    turn.set(stable=role.model_copy(update={"since": turn.at}), candidate=None, weight=Weight())
    turn.close(role, "Promoted", "FirstRelease")
    turn.go(Phase.STABLE)
    turn.note(
        "Installed",
        "FirstRelease",
        f"{role.image} is stable: {turn.spec.replicas} of {turn.spec.replicas} pods are ready",
        release=role.release,
    )


def _start_trial(turn: Turn) -> None:
    turn.set(
        candidate=turn.role(turn.desired),
        previous=None,
        failure=None,
        verdict=None,
        judge=None,
        judge_at=None,
        first_traffic_at=None,
        worst_case=None,
        step=None,
        held=False,
        weight=Weight(),
    )
    runs.forget(turn, *ABOUT_TRAFFIC)
    prepare(turn)
