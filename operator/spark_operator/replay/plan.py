"""The API server's rules on a plan, for a manifest that it has not seen."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from spark_operator.api.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spark_operator.api.strategy import Canary


class PlanError(Exception):
    """The API server would refuse the plan; the message says what to change."""


def check(canary: Canary) -> None:
    """Refuse what ``kubectl apply`` would refuse.

    Raises:
        PlanError: the steps can't be taken in this order, or one of them can't end.
    """
    problems = "; ".join(_problems(canary))
    if problems:
        raise PlanError(f"spec.strategy.canary: {problems}")


def _problems(canary: Canary) -> Iterator[str]:
    weights = [step.weight for step in canary.steps]
    if weights[-1] != 100:
        yield "the last step must have weight 100: add {weight: 100} at the end of steps"
    if any(after <= before for before, after in pairwise(weights)):
        yield "weights must rise from step to step: put steps into ascending order of weight"
    if any(50 < weight < 100 for weight in weights):
        yield "by replica ratio a weight must be at most 50, or 100: use 50 and then 100"
    for number, step in enumerate(canary.steps):
        name, limit = "progressDeadline", canary.progress_deadline
        if step.max_duration is not None:
            name, limit = "maxDuration", step.max_duration
        if seconds(step.min_duration) >= seconds(limit):
            yield (
                f"steps[{number}] has minDuration {step.min_duration} and {name} {limit}, so it"
                " can't end: lower the one or raise the other"
            )
