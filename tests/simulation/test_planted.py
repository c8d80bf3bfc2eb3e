"""No planted bug is missed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.simulation import simulation
from tests.simulation.faults import NO_FAULT
from tests.simulation.oracles import ORACLES, Case, judge_history
from tests.simulation.planted.decisions import PLANTED
from tests.simulation.simulation import run
from tests.simulation.stories.catalogue import SCENARIOS

if TYPE_CHECKING:
    from tests.simulation.oracles.history import History
    from tests.simulation.planted.planting import Planted


@cache
def fault_free(scenario: str) -> History:
    return run(SCENARIOS[scenario])


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, reference = SCENARIOS[bug.scenario], fault_free(bug.scenario)
    plan = bug.plan(reference)
    if plan is not NO_FAULT:
        case = Case(scenario, run(scenario, plan), reference, leaders=plan.leaders)
        assert judge_history(case) == {}
    monkeypatch.setattr(simulation, "LONGEST_SECONDS", 600.0)
    monkeypatch.setattr(simulation, "MOST_CHANGES", 1500)
    bug.plant(monkeypatch)
    case = Case(scenario, run(scenario, plan), reference, leaders=plan.leaders)
    found = judge_history(case)
    assert bug.caught_by in found, found


def test_there_are_enough_of_them_and_all_oracles_exist() -> None:
    assert len(PLANTED) >= 20
    assert {bug.caught_by for bug in PLANTED} <= set(ORACLES)
