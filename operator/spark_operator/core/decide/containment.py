"""Parts of a decision fail for themselves: what stops a release is never behind what reports it.

A part that raises leaves the draft as it was before, and its name in the condition ``Degraded``.
Such an error is a fault of the operator's own; it must not cost users the way back.
"""

from __future__ import annotations

from copy import copy
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from spark_operator.core.decide.draft import TICK_SECONDS, RolloutDraft
from spark_operator.core.observe.values import PartFailure

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def contain(draft: RolloutDraft, part: str, step: Callable[[RolloutDraft], T], otherwise: T) -> T:
    """Take a step; where it raises, undo what it did to the draft, record it, and go on.

    Args:
        draft: the decision in the making.
        part: names the step to people.
        step: changes the draft.
        otherwise: the result where it raises.
    """
    before = _kept(draft)
    try:
        return step(draft)
    except Exception as error:
        _restore(draft, before)
        draft.failures.append(PartFailure.of(part, error))
        draft.requeue_at(draft.now + TICK_SECONDS)
        return otherwise


def _kept(draft: RolloutDraft) -> RolloutDraft:
    """Return a copy whose lists do not grow with the draft's; nothing else changes in place."""
    before = copy(draft)
    for field in fields(before):
        value = getattr(before, field.name)
        if isinstance(value, list):
            setattr(before, field.name, list(value))
    return before


def _restore(draft: RolloutDraft, before: RolloutDraft) -> None:
    for field in fields(before):
        if field.name != "failures":
            setattr(draft, field.name, getattr(before, field.name))
