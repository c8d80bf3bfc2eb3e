"""Simulate every judge on every fault class; write the tables, the numbers and the plots.

``python -m bench.judge`` takes about a quarter of an hour of one core; ``--quick`` a minute.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.judge.cells import Cell, Judges, false_cells, fault_cells
from bench.judge.report import tables
from bench.judge.svg import frontier

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_260


def measured(cell: Cell, failed: NDArray[np.float64]) -> dict[str, float | None]:
    """Return one judge's numbers in one cell.

    ``false``: share of trials rolled back before the fault. ``found``: share of the others rolled
    back. ``median``, ``p90``: delay in seconds. ``bad``: bad requests served per trial, mean, at
    one request a second and pod.
    """
    early = failed <= cell.at
    rest = failed[~early]
    delay = rest[~np.isnan(rest)] - cell.at
    known = len(delay) > 0
    return {
        "false": float(np.mean(early)) if cell.at else None,
        "found": float(len(delay) / max(len(rest), 1)),
        "median": float(np.median(delay)) if known else None,
        "p90": float(np.quantile(delay, 0.9)) if known else None,
        "mean": float(np.mean(delay)) if known else None,
    }


def simulate(cells: list[Cell], trials: int, results: dict[str, Any], file: Path | None) -> None:
    """Add the numbers of every judge in every cell, and write them as they come."""
    for place, cell in enumerate(cells):
        count = trials // 2 if cell.at or cell.load.pods > 1 else trials
        seed = SEED + 10 * place
        failed = Judges(cell, count, seed).run(seed)
        results[cell.name] = {name: measured(cell, times) for name, times in failed.items()}
        results[cell.name] |= {"trials": count, "promised": list(cell.promised)}
        print(cell.name, flush=True)
        if file is not None:
            file.write_text(json.dumps(results, indent=1) + "\n")


def main() -> None:
    """Run the simulation and write its results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="50 trials a cell, nothing written")
    parser.add_argument("--part", choices=["faults", "false", "report"], help="one part only")
    options = parser.parse_args()
    target = ROOT / "bench" / "results"
    parts: dict[str, Any] = {"seed": SEED}
    for name, cells in (("faults", fault_cells()), ("false", false_cells())):
        file = target / f"judge-{name}.json"
        parts[name] = {}
        if options.part not in {None, name}:
            parts[name] = json.loads(file.read_text()) if file.exists() else {}
        elif options.quick:
            simulate(cells, 50, parts[name], None)
        else:
            simulate(cells, options.trials, parts[name], file)
    if options.part in {None, "report"}:
        text = tables(parts)
        print(text)
        if not options.quick:
            (target / "judge.md").write_text(text)
            (ROOT / "docs" / "judge-frontier.svg").write_text(frontier(parts))


if __name__ == "__main__":
    main()
