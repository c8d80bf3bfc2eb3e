"""At rest, and on the way back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spark_operator.core.decide.draft import TICK_SECONDS
from spark_operator.core.decide.jobs.undo_migration import undone
from spark_operator.core.model.phases import Phase

if TYPE_CHECKING:
    from spark_operator.core.decide.draft import Turn


def stable(turn: Turn) -> None:
    """Rest, until the spec names another release."""
    if turn.status.stable is None or turn.desired.name != turn.status.stable.release:
        turn.go(Phase.PENDING)
    elif turn.status.failure is not None:
        turn.set(failure=None)


def rolling_back(turn: Turn) -> None:
    """See the traffic cut and the candidate's pods gone, then settle."""
    turn.dues.append(turn.now + TICK_SECONDS)
    stable_name = turn.status.stable.release if turn.status.stable else None
    cut = turn.observations.route is not None and turn.observations.route.release == stable_name
    if not cut or turn.candidate.live or not undone(turn):
        return
    turn.set(candidate=None, step=None)
    failure = turn.status.failure
    if turn.desired.name == stable_name:
        turn.go(Phase.STABLE)
    elif failure and failure.release == turn.desired.name:
        turn.go(Phase.ROLLED_BACK)
        turn.note(
            "RolledBack",
            failure.reason,
            f"all traffic is on {turn.status.stable.image if turn.status.stable else 'nothing'};"
            f" {failure.image} has no pods left",
            release=failure.release,
            warning=True,
        )
    else:
        turn.go(Phase.PENDING)


def rolled_back(turn: Turn) -> None:
    """Wait for a newer spec, a retry, or a release let out of quarantine."""
    failure = turn.status.failure
    if turn.status.stable and turn.desired.name == turn.status.stable.release:
        turn.set(failure=None)
        turn.go(Phase.STABLE)
    elif failure is None or failure.release != turn.desired.name or _is_worth_another_look(turn):
        turn.set(failure=None)
        turn.go(Phase.PENDING)


def _is_worth_another_look(turn: Turn) -> bool:
    """Whether the spec was changed after a preflight found fault with what the spec refers to."""
    failure, seen = turn.status.failure, turn.resource.status.observed_generation
    changed = seen != turn.resource.metadata.generation
    return changed and failure is not None and failure.reason == "PreflightFailed"
