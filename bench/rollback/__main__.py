"""First bad answer to last bad answer of a bad release, on a real cluster.

One candidate pod beside nine stable ones (10% weight), steady users, half of them on connections
that they keep.  Each cell is repeated; the table has medians with their spread.

``python -m bench.rollback --runs 10 --rate 100``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.cluster import target
from dev.cluster.progress import Progress
from dev.demo import setup
from dev.images import ensure
from tests.e2e.stage import Stage, config, image, spec

RESULTS = Path(__file__).parent.parent / "results" / "rollback.json"
NAMESPACE = "bench-rollback"
STABLE = "1.0.0"
FAULTS = {"50%": "3.0.0-half-errors", "100%": "3.0.0-all-errors"}
SENSITIVITIES = ("fast", "balanced")
REPLICAS = 9
ROLLBACK_SECONDS = 240.0
SETTLE_SECONDS = 12.0
"""Longer than a connection lives, so that one run's answers do not reach into the next."""


class RollbackError(Exception):
    """A bad release was let through, or given up for another reason."""


@dataclass(frozen=True, slots=True)
class Run:
    """One rollback as users saw it, times in seconds."""

    exposed: float
    bad_answers: int
    answers: int
    other_failures: int
    reason: str


def plan(sensitivity: str) -> dict[str, Any]:
    """A spec with one step at 10% and nothing else shortened."""
    steps = [{"weight": weight, "minDuration": "60s"} for weight in (10, 100)]
    return spec(
        STABLE,
        replicas=REPLICAS,
        strategy={"canary": {"steps": steps}},
        analysis={"sensitivity": sensitivity},
        guard={"duration": "0s"},
        config=config(),
    )


async def one(stage: Stage, version: str, number: int) -> Run:
    """Apply a bad release, wait for its end, go back to the good one, account for it."""
    since = await stage.newest()
    await stage.apply(image=image(version), config=config(RUN=str(number)))
    status = await stage.until(
        "the rollback",
        lambda s: (
            s.phase == "RolledBack" and s.failure is not None and s.failure.outcome == "Failed"
        ),
        seconds=ROLLBACK_SECONDS,
    )
    failure = status.failure
    if failure is None or failure.outcome != "Failed":
        raise RollbackError(f"{version} was not found to be bad: {failure}")
    bad = failure.release
    await asyncio.sleep(SETTLE_SECONDS)
    results = await stage.results(since)
    failed = [item for item in results if item.failed and item.release == bad]
    others = [item for item in results if item.failed and item.release != bad]
    times = [item.at + item.latency for item in failed]
    await stage.apply(image=image(STABLE), config=config())
    await stage.until("stable again", lambda s: s.phase == "Stable")
    await stage.annotate("let-out", f"{bad}@{number}")
    await stage.until("let out", lambda s: all(item.release != bad for item in s.quarantine))
    return Run(
        exposed=max(times) - min(times) if times else 0.0,
        bad_answers=len(failed),
        answers=sum(item.release == bad for item in results),
        other_failures=len(others),
        reason=failure.reason,
    )


def summary(runs: list[Run]) -> dict[str, Any]:
    """A cell's medians with their spread."""
    exposed = [run.exposed for run in runs]
    return {
        "runs": len(runs),
        "exposed_seconds": {
            "min": round(min(exposed), 2),
            "median": round(statistics.median(exposed), 2),
            "max": round(max(exposed), 2),
        },
        "bad_answers_median": statistics.median(run.bad_answers for run in runs),
        "failures_of_other_releases": sum(run.other_failures for run in runs),
        "reasons": sorted({run.reason for run in runs}),
    }


async def measure(runs: int, rate: int) -> dict[str, Any]:
    """All cells, one after the other in one namespace."""
    found, progress = target.resolve(), Progress()
    await asyncio.to_thread(found.up, progress)
    names = ["operator", "dev", f"app:{STABLE}", *(f"app:{name}" for name in FAULTS.values())]
    await asyncio.to_thread(ensure, names, target=found, progress=progress)
    kubectl = setup.client(found)
    await setup.install(kubectl)
    stage = Stage(kubectl, NAMESPACE, plan("balanced"))
    await stage.open()
    cells: dict[str, Any] = {}
    try:
        await stage.apply()
        await stage.until("the first release", lambda s: s.phase == "Stable", seconds=300)
        await stage.users(rate=rate)
        number = 0
        for sensitivity in SENSITIVITIES:
            for fault, version in FAULTS.items():
                await stage.apply(analysis={"sensitivity": sensitivity})
                done: list[Run] = []
                for _ in range(runs):
                    number += 1
                    done.append(await one(stage, version, number))
                    print(f"{sensitivity} {fault}: {done[-1]}", flush=True)
                cells[f"{sensitivity} {fault}"] = summary(done)
    finally:
        await stage.close()
    return {"rate": rate, "weight_percent": 10, "source": "pods", "cells": cells}


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(prog="bench.rollback", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of each cell")
    parser.add_argument("--rate", type=int, default=100, help="requests per second in all")
    options = parser.parse_args()
    result = asyncio.run(measure(options.runs, options.rate))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
