"""Every module of tests/e2e has one lane, among those of its kind."""

from __future__ import annotations

import pytest

from dev.cluster.config import CLONE
from tests.e2e.support.lanes import ALONE, SHARED, Scheduling, place

E2E = CLONE / "tests" / "e2e"
MARK = "pytestmark = pytest.mark.alone\n"


def _dealt(lanes: tuple[tuple[str, ...], ...]) -> list[str]:
    return sorted(f"test_{module}.py" for lane in lanes for module in lane)


def test_every_module_is_dealt_once_and_those_alone_among_themselves() -> None:
    modules = {path.name: MARK in path.read_text() for path in E2E.rglob("test_*.py")}
    assert _dealt(ALONE) == sorted(name for name, alone in modules.items() if alone)
    assert _dealt(SHARED) == sorted(name for name, alone in modules.items() if not alone)


def test_a_module_without_a_lane_is_told_where_to_get_one() -> None:
    with pytest.raises(pytest.UsageError, match="test_new has no lane: give it one in"):
        place("tests.e2e.test_new")
    assert place("tests.e2e.test_" + SHARED[0][1]) == (0, 1)


def test_those_that_end_the_usual_operator_never_run_beside_those_that_need_it() -> None:
    both = [f"tests/e2e/test_{lanes[0][0]}.py::test_it" for lanes in (SHARED, ALONE)]
    scheduling = Scheduling.__new__(Scheduling)
    with pytest.raises(pytest.UsageError, match="in turn, as make e2e does"):
        scheduling.add_node_collection(None, both)
