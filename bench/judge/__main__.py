"""Simulate every judge on every fault class; write the tables, the numbers and the plots.

`python -m bench.judge` takes about a quarter of an hour of one core; `--quick` a minute.
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

    `false`: share of trials rolled back before the fault. `found`: share of the others rolled
    back. `median`, `p90`: delay in seconds. `bad`: bad requests served per trial, mean, at one
    request a second and pod.
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


def simulate(cells: list[Cell], trials: int) -> dict[str, Any]:
    """Return the numbers of every judge in every cell."""
    found: dict[str, Any] = {}
    for place, cell in enumerate(cells):
        count = trials if not cell.at else max(trials // 2, 100)
        seed = SEED + 10 * place
        results = Judges(cell, count, seed).run(seed)
        found[cell.name] = {name: measured(cell, failed) for name, failed in results.items()}
        found[cell.name]["trials"] = count
        found[cell.name]["promised"] = list(cell.promised)
        print(cell.name, flush=True)
    return found


def main() -> None:
    """Run the simulation and write its results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="100 trials a cell, nothing written")
    options = parser.parse_args()
    trials = 100 if options.quick else options.trials
    results = {
        "trials": trials,
        "seed": SEED,
        "faults": simulate(fault_cells(), trials),
        "false": simulate(false_cells(), trials),
    }
    text = tables(results)
    print(text)
    if options.quick:
        return
    target = ROOT / "bench" / "results"
    (target / "judge.json").write_text(json.dumps(results, indent=1) + "\n")
    (target / "judge.md").write_text(text)
    (ROOT / "docs" / "judge-frontier.svg").write_text(frontier(results))


if __name__ == "__main__":
    main()
