"""The operator with many resources: start, rest and rollouts, on a real API server.

Nodes and pods are simulated (kwok), their metrics pages are really served.

``python -m bench.scale --resources 1 100 500 --rollouts 20 --label after`` writes its figures
beside those of other labels into ``bench/results/scale.json``, and a table and a plot of them all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.scale.cluster import ROOT, cluster
from bench.scale.report import plot, table
from bench.scale.run import Plan, measure

if TYPE_CHECKING:
    from bench.scale.measures import Measured

RESULTS = Path(__file__).parent.parent / "results" / "scale.json"


def main() -> int:
    """Measure, write and print; 1 where the operator was not up to it."""
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--resources", type=int, nargs="+", default=[1, 100, 500, 1000])
    parser.add_argument("--rollouts", type=int, default=20, help="at once, at each number")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds that rest is watched")
    parser.add_argument("--label", default="now", help="what the figures are called")
    parser.add_argument("--source", type=Path, default=ROOT / "operator", help="the operator's")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--keep-log", type=Path, help="where the operator's log is copied to")
    options = parser.parse_args()
    plan = Plan(tuple(sorted(options.resources)), options.rollouts, options.rest, options.source)
    results: dict[str, Any] = (
        json.loads(options.output.read_text()) if options.output.exists() else {}
    )

    def keep(item: Measured) -> None:
        known = {str(it["resources"]): it for it in results.get(options.label, [])}
        known[str(item.resources)] = asdict(item)
        results[options.label] = sorted(known.values(), key=lambda it: int(it["resources"]))
        options.output.write_text(json.dumps(results, indent=1) + "\n")
        options.output.with_suffix(".md").write_text(table(results))
        options.output.with_suffix(".svg").write_text(plot(results))

    with cluster() as running:
        try:
            found = asyncio.run(measure(running, plan, say=_say, keep=keep))
        finally:
            if options.keep_log:
                options.keep_log.write_bytes((running.folder / "operator.log").read_bytes())
    print(table({options.label: results[options.label]}))
    return int(any(item.notes for item in found))


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
