"""A history that is forked at its first fault is the history that is run from the beginning."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.simulation.branches import BranchError, first_write, told
from tests.simulation.plans import FAMILIES
from tests.simulation.simulation import run
from tests.simulation.stories.catalogue import SCENARIOS

if TYPE_CHECKING:
    from tests.simulation.faults import Plan
    from tests.simulation.oracles.history import History

STORY = SCENARIOS["bad-release"]


def _digest(plan: Plan, history: History) -> bytes:
    del plan
    parts = (history.changes, history.deaths, history.requests, history.verdicts, history.ended_at)
    return hashlib.sha256(repr(parts).encode()).hexdigest().encode()


@pytest.mark.parametrize("family", ["kills", "second-kills", "errors", "conflicts", "partitions"])
def test_branches_are_the_histories_themselves(family: str) -> None:
    plans = list(FAMILIES[family](run(STORY)))
    chosen = plans[3 :: len(plans) // 3]
    branched = told(STORY, chosen, 1, _digest)
    assert branched == {plan: _digest(plan, run(STORY, plan)) for plan in chosen}
    assert len(set(branched.values())) == len(chosen)


@pytest.mark.parametrize("family", ["outages", "watches", "disturbances"])
def test_plans_that_begin_with_no_write_are_no_branches(family: str) -> None:
    assert {first_write(plan) for plan in FAMILIES[family](run(STORY))} == {0}


def test_a_branch_that_dies_is_no_history() -> None:
    def tell(plan: Plan, history: History) -> bytes:
        raise ValueError(f"{plan}, {history}")

    plan = next(FAMILIES["kills"](run(STORY)))
    with pytest.raises(BranchError, match="kill before write 1: its process said nothing"):
        told(STORY, [plan], 1, tell)
