"""Taking traffic off a release: one way out, whatever the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from spark_operator.api.fields import clip
from spark_operator.api.status.status import Exposure, FailureStatus, ReleaseStatus
from spark_operator.core import judge
from spark_operator.core.decide import quarantine
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import Turn

Failure = Literal["Failed", "Inconclusive", "Aborted"]


def fail(turn: Turn, role: ReleaseStatus, outcome: Failure, reason: str, message: str) -> None:
    """Record why the release that the spec names does not run."""
    turn.set(
        failure=FailureStatus(
            release=role.release,
            image=role.image,
            outcome=outcome,
            reason=reason,
            message=clip(message),
            at=turn.at,
        )
    )


def retreat(
    turn: Turn, outcome: Failure | Literal["Superseded"], reason: str, message: str
) -> None:
    """Cut the traffic of the release on trial, or of the one under guard, and go back.

    ``Failed`` quarantines the release; the other outcomes do not.
    """
    if turn.phase is Phase.GUARDING:
        _swap(turn)
    role = turn.status.candidate
    if role is None:
        return
    turn.weigh(0)
    turn.learn(promoted=False)
    if outcome != "Superseded":
        fail(turn, role, outcome, reason, message)
    if outcome == "Failed":
        entries = quarantine.add(turn.status, role, reason, turn.at)
        turn.set(quarantine=entries)
    if outcome != "Superseded":
        turn.set(exposure=_exposure(turn, role.release))
    turn.close(role, outcome, reason)
    turn.go(Phase.ROLLING_BACK)
    turn.note("RollingBack", reason, message, release=role.release, warning=outcome != "Superseded")


def _swap(turn: Turn) -> None:
    """Under guard the failing release is already stable: the warm previous one takes over."""
    failing, previous = turn.status.stable, turn.status.previous
    if failing is None or previous is None:
        return
    turn.set(
        stable=previous.model_copy(update={"since": turn.at}), candidate=failing, previous=None
    )


def _exposure(turn: Turn, release: str) -> Exposure:
    began = turn.status.first_traffic_at
    if began is None:
        return Exposure(release=release)
    requests, errors = judge.totals(turn.judge) if turn.judge else (0, 0)
    return Exposure(
        release=release,
        seconds=round(max(0.0, turn.now - began.timestamp()), 3),
        requests=requests,
        errors=errors,
    )
