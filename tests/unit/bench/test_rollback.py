"""What the tables about real rollbacks say about their runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.rollback.__main__ import record
from bench.rollback.cells import CELLS, FAULTS
from bench.rollback.equal import counts
from bench.rollback.runs import Run, summary
from dev.images import specs

if TYPE_CHECKING:
    from pathlib import Path

RUN = Run(
    exposed=2.0,
    decided=1.0,
    cut=1.0,
    bad=3,
    answers=5,
    other_failures=0,
    unsent=0,
    p95=0.1,
    took=15.0,
    reason="ErrorRateCritical",
)


def test_a_cell_is_judged_by_its_median() -> None:
    cell = replace(CELLS[0], bound=5.0)
    slow = replace(RUN, exposed=9.0, other_failures=2)
    found = summary(cell, [RUN, RUN, slow])
    assert found["exposed_seconds"] == {"min": 2.0, "median": 2.0, "max": 9.0, "bound": 5.0}
    assert found["within_bound"] is True
    assert found["failures_of_other_releases"] == 2
    assert summary(cell, [RUN, slow, slow])["within_bound"] is False


def test_cells_differ_by_name_and_have_images() -> None:
    assert len({cell.name for cell in CELLS}) == len(CELLS)
    for version in FAULTS.values():
        specs.parse(f"app:{version}")


def test_a_cell_that_is_measured_again_leaves_the_others(tmp_path: Path) -> None:
    table = tmp_path / "table.json"
    record(table, CELLS[1], {"runs": 1})
    record(table, CELLS[0], {"runs": 2})
    record(table, CELLS[1], {"runs": 3})
    cells = json.loads(table.read_text())["cells"]
    assert cells == {CELLS[0].name: {"runs": 2}, CELLS[1].name: {"runs": 3}}
    assert list(cells) == [CELLS[0].name, CELLS[1].name]


def test_a_traces_requests_are_counted_from_each_pods_first_reading(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    readings = [
        {"t": 1.0, "release": "stable", "pod": "a", "requests": 100, "errors": 1},
        {"t": 1.0, "release": "candidate", "pod": "b", "requests": 0, "errors": 0},
        {"t": 2.0, "release": "stable", "pod": "c", "requests": 10, "errors": 0},
        {"t": 9.0, "release": "stable", "pod": "a", "requests": 130, "errors": 2},
        {"t": 9.5, "release": "stable", "pod": "c", "requests": 30, "errors": 1},
        {"t": 9.0, "release": "candidate", "pod": "b", "requests": 7, "errors": 3},
    ]
    trace.write_text("".join(f"{json.dumps(reading)}\n" for reading in readings))
    assert counts(trace) == ({"stable": (50, 2), "candidate": (7, 3)}, 8.5)
