"""Every story without faults, and that a seed tells the same story twice."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import reference
from tests.simulation.oracles import Case, judge_history
from tests.simulation.simulation import run
from tests.simulation.stories.catalogue import SCENARIOS


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_story_without_faults_ends_well(name: str) -> None:
    scenario = SCENARIOS[name]
    fault_free = reference(scenario, seed=1)
    history = run(scenario) if scenario.like else fault_free
    assert judge_history(Case(scenario, history, fault_free)) == {}


def test_a_seed_replays_a_whole_history() -> None:
    first, second = (run(SCENARIOS["bad-release"], seed=7) for _ in range(2))
    assert first.changes == second.changes
    assert first.requests == second.requests


def test_another_seed_tells_another_history() -> None:
    first, second = (run(SCENARIOS["first-install"], seed=seed) for seed in (1, 2))
    assert first.changes != second.changes
