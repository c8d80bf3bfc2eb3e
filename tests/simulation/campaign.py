"""The whole campaign: every scenario under every plan of faults.

``python -m tests.simulation.campaign`` prints progress and writes a summary as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.catalogue import SCENARIOS
from tests.simulation.oracles import Case, judge_history
from tests.simulation.plans import FAMILIES
from tests.simulation.simulation import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.faults import Plan
    from tests.simulation.history import History
    from tests.simulation.scenarios import Scenario

RESULTS: Final = Path("bench/results/simulation.json")


@dataclass(frozen=True, slots=True)
class Finding:
    """One run that broke a rule; scenario, plan and seed replay it."""

    scenario: str
    plan: str
    seed: int
    violations: dict[str, list[str]]


@dataclass(slots=True)
class Tally:
    """What was run and what was found."""

    runs: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, family: str, finding: Finding | None) -> None:
        """Count one run."""
        self.runs[family] += 1
        if finding is not None:
            self.findings.append(finding)


def reference(scenario: Scenario, seed: int) -> History:
    """The run without faults that the scenario's end is compared with."""
    return run(SCENARIOS[scenario.like] if scenario.like else scenario, seed=seed)


def check(scenario: Scenario, plan: Plan, seed: int, fault_free: History) -> Finding | None:
    """One run under one plan."""
    history = run(scenario, plan, seed)
    case = Case(
        scenario,
        history,
        fault_free,
        wakes_in_time=plan.watch == "normal",
        leaders=plan.leaders,
    )
    violations = judge_history(case)
    return Finding(scenario.name, plan.name, seed, violations) if violations else None


def campaign(
    scenarios: list[str], families: list[str], seed: int, every: int, part: int = 0
) -> Iterator[tuple[str, str, Finding | None]]:
    """Family, scenario and finding of each run; ``every`` n-th plan only, from the ``part``-th."""
    for name in scenarios:
        scenario = SCENARIOS[name]
        fault_free = reference(scenario, seed)
        own = run(scenario, seed=seed) if scenario.like else fault_free
        yield "no-fault", name, _finding(scenario, own, fault_free, seed)
        for family in families:
            for index, plan in enumerate(FAMILIES[family](own)):
                if index % every == part:
                    yield family, name, check(scenario, plan, seed, fault_free)


def _finding(
    scenario: Scenario, history: History, fault_free: History, seed: int
) -> Finding | None:
    violations = judge_history(Case(scenario, history, fault_free))
    return Finding(scenario.name, "no fault", seed, violations) if violations else None


def rollouts_per_minute(count: int = 20) -> float:
    """Whole rollouts of a good release, from nothing to rest, per minute of one core."""
    began = time.process_time()
    for seed in range(count):
        run(SCENARIOS["good-release"], seed=seed)
    return 60.0 * count / (time.process_time() - began)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The simulated fault campaign.")
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS))
    parser.add_argument("--family", action="append", choices=sorted(FAMILIES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="run only every n-th plan")
    parser.add_argument("--part", type=int, default=0, help="begin at this plan, below --every")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> int:
    """Run, print, write; 1 where anything was found."""
    arguments = _arguments()
    scenarios = arguments.scenario or list(SCENARIOS)
    families = arguments.family or list(FAMILIES)
    rate = rollouts_per_minute()
    print(f"{rate:.0f} rollouts a minute on one core", flush=True)
    tally, began, current = Tally(), time.process_time(), ""
    runs = campaign(scenarios, families, arguments.seed, arguments.every, arguments.part)
    for family, name, finding in runs:
        if name != current:
            current = name
            _write(arguments.output, tally, rate, arguments.every)
            spent = time.process_time() - began
            print(f"{spent:7.0f} s  {tally.runs.total():6d} runs  {name}", flush=True)
        tally.add(family, finding)
        tally.seconds = time.process_time() - began
        if finding is not None:
            print(f"    {finding.plan}: {finding.violations}"[:600], flush=True)
    _write(arguments.output, tally, rate, arguments.every)
    print(f"{tally.runs.total()} runs, {len(tally.findings)} with a violation")
    return 1 if tally.findings else 0


def _write(path: Path, tally: Tally, rate: float, every: int) -> None:
    summary = {
        "rollouts_per_minute_on_one_core": round(rate),
        "runs": dict(sorted(tally.runs.items())),
        "every_nth_plan": every,
        "kill_points": tally.runs["kills"] + 2 * tally.runs["second-kills"],
        "cpu_seconds": round(tally.seconds),
        "violations": [
            {"scenario": it.scenario, "plan": it.plan, "seed": it.seed, "violations": it.violations}
            for it in tally.findings
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
