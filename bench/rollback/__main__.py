"""First bad answer to last bad answer of a bad release, on a real cluster.

One candidate pod beside nine stable ones (10% weight), steady users, half of them on connections
that they keep.  Each cell is repeated; the table has medians with their spread.

``python -m bench.rollback --runs 10 --rate 100``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.rollback.alert import Sender
from bench.rollback.cells import CELLS, FAULTS, Cell
from bench.rollback.runs import STABLE, Run, one, summary
from dev.cluster.choices import target
from dev.cluster.machine.progress import Progress
from dev.demo import setup
from dev.images import ensure
from tests.e2e.support.scraped import scraped
from tests.e2e.support.stage import NAME, Stage, config, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RESULTS = Path(__file__).parent.parent / "results" / "rollback.json"
INSTALL = Path(__file__).parent / "install"
NAMESPACE = "bench-rollback"
REPLICAS = 9
MOST_REQUESTS = 2_000_000


def plan() -> dict[str, Any]:
    """Return a spec with one step at 10% and nothing else shortened."""
    steps = [{"weight": weight, "minDuration": "60s"} for weight in (10, 100)]
    return spec(
        STABLE,
        replicas=REPLICAS,
        strategy={"canary": {"steps": steps}},
        guard={"duration": "0s"},
        config=config(),
    )


@contextlib.asynccontextmanager
async def opened(rate: int) -> AsyncIterator[tuple[Stage, Sender]]:
    """Serve users from stable at ``rate`` requests a second, with an operator that takes alerts."""
    found, progress = target.resolve(), Progress()
    await asyncio.to_thread(found.up, progress)
    names = ["operator", "dev", f"app:{STABLE}", *(f"app:{name}" for name in FAULTS.values())]
    await asyncio.to_thread(ensure, names, target=found, progress=progress)
    kubectl = setup.client(found)
    sender = Sender(kubectl, NAMESPACE, NAME, secrets.token_hex(16))
    await sender.prepare()
    await setup.install(kubectl, INSTALL)
    stage = Stage(kubectl, NAMESPACE, plan())
    await stage.open()
    try:
        await stage.apply()
        await stage.until("the first release", lambda s: s.phase == "Stable", seconds=300)
        await stage.users(rate=rate, most=MOST_REQUESTS)
        yield stage, sender
    finally:
        await stage.close()


async def repeated(stage: Stage, sender: Sender, cell: Cell, runs: int) -> list[Run]:
    """Repeat one cell, in the source it names."""
    done: list[Run] = []
    async with contextlib.AsyncExitStack() as stack:
        source: dict[str, Any] = {"pods": {}}
        if cell.ended_by == "prometheus":
            monitoring = await stack.enter_async_context(scraped(stage))
            source = {"prometheus": {"address": monitoring.url, "scrapeInterval": "1s"}}
        await stage.apply(analysis={"sensitivity": cell.sensitivity, "source": source})
        for number in range(runs):
            # A hash differs by its cell too, or a release were known from the one before
            made = CELLS.index(cell) * 1000 + number
            done.append(await one(stage, cell, made, sender.push))
            print(f"{cell.name}: {done[-1]}", flush=True)
    return done


def busy() -> tuple[float, float]:
    """Return the time that all processors spent busy, and in all, since the machine's start."""
    fields = [float(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


async def measure(runs: int, rate: int, chosen: list[Cell], output: Path) -> None:
    """Measure the cells one after the other in one namespace; write the table after each."""
    async with opened(rate) as (stage, sender):
        for cell in chosen:
            used, whole = busy()
            done = await repeated(stage, sender, cell, runs)
            used, whole = busy()[0] - used, busy()[1] - whole
            found = summary(cell, done) | {"machine_busy_percent": round(100 * used / whole)}
            record(output, cell, found | {"requests_per_second": rate})


def record(output: Path, cell: Cell, found: dict[str, Any]) -> None:
    """Put a cell's line into the table, beside those that were measured before."""
    known = json.loads(output.read_text())["cells"] if output.exists() else {}
    cells = {c.name: known.get(c.name) for c in CELLS} | {cell.name: found}
    table = {
        "weight_percent": 10,
        "kept_connections_percent": 50,
        "processors": os.cpu_count(),
        "cells": {name: line for name, line in cells.items() if line},
    }
    output.write_text(json.dumps(table, indent=2) + "\n")


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(prog="bench.rollback", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of each cell")
    parser.add_argument("--rate", type=int, default=100, help="requests per second in all")
    parser.add_argument("--only", default="", help="cells whose name has this in it")
    parser.add_argument("--output", type=Path, default=RESULTS, help="file for the table")
    options = parser.parse_args()
    chosen = [cell for cell in CELLS if options.only in cell.name]
    asyncio.run(measure(options.runs, options.rate, chosen, options.output))
    print(options.output.read_text())


if __name__ == "__main__":
    main()
