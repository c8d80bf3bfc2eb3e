"""The whole campaign: every scenario under every plan of faults.

``python -m tests.simulation.campaign`` prints progress and writes a summary as JSON.  Every
``--jobs`` process takes whole shares of a scenario's plans; which one does which changes nothing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.branches import first_write, told
from tests.simulation.faults import Plan
from tests.simulation.oracles import Case, judge_history
from tests.simulation.plans import FAMILIES
from tests.simulation.simulation import run
from tests.simulation.stories.catalogue import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.oracles.history import History
    from tests.simulation.stories.scenarios import Scenario

RESULTS: Final = Path("bench/results/simulation.json")
NO_FAULT: Final = "no-fault"
SHARES: Final = 12
"""Of a scenario's plans in a family: small enough that no process has much left at the end."""


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

    shares: list[Share] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, done: Done) -> None:
        """Count what a share came to."""
        self.shares.append(done.share)
        self.runs[done.share.family] += done.runs
        self.findings += done.findings
        self.seconds += done.seconds


@dataclass(frozen=True, slots=True)
class Share:
    """Every ``every``-th plan of a family in a scenario, from the ``part``-th."""

    scenario: str
    family: str
    seed: int
    every: int
    part: int


@dataclass(frozen=True, slots=True)
class Done:
    """What a share came to; ``seconds`` are the processor's."""

    share: Share
    runs: int
    findings: list[Finding]
    seconds: float


@lru_cache(maxsize=2)
def fault_free(scenario: str, seed: int) -> History:
    """A scenario's run without faults: the shares of one scenario follow each other."""
    return run(SCENARIOS[scenario], seed=seed)


def reference(scenario: Scenario, seed: int) -> History:
    """The run without faults that the scenario's end is compared with."""
    return fault_free(scenario.like or scenario.name, seed)


def found_in(scenario: Scenario, plan: Plan, seed: int, history: History) -> Finding | None:
    """What a history under a plan breaks."""
    case = Case(
        scenario,
        history,
        reference(scenario, seed),
        wakes_in_time=plan.watch == "normal",
        leaders=plan.leaders,
        cut_off=sum(outage.seconds for outage in plan.outages),
    )
    violations = judge_history(case)
    return Finding(scenario.name, plan.name, seed, violations) if violations else None


def campaign(
    scenario: str, family: str, seed: int, every: int, part: int = 0
) -> Iterator[Finding | None]:
    """The finding of each run; ``every`` n-th plan only, from the ``part``-th."""
    story = SCENARIOS[scenario]
    own = fault_free(scenario, seed)
    if family == NO_FAULT:
        yield found_in(story, Plan(name=family), seed, own)
        return

    reference(story, seed)  # once here, or in every child

    def tell(plan: Plan, history: History) -> bytes:
        finding = found_in(story, plan, seed, history)
        return json.dumps(finding and asdict(finding)).encode()

    plans = [it for n, it in enumerate(FAMILIES[family](own)) if n % every == part]
    branching = [plan for plan in plans if first_write(plan)]
    for said in told(story, branching, seed, tell).values() if branching else ():
        finding = json.loads(said)
        yield finding and Finding(**finding)
    for plan in plans:
        if not first_write(plan):
            yield found_in(story, plan, seed, run(story, plan, seed))


def shares(options: argparse.Namespace) -> list[Share]:
    """The whole campaign in pieces that can be run in any order."""
    found: list[Share] = []
    for scenario in options.scenario or SCENARIOS:
        found.append(Share(scenario, NO_FAULT, options.seed, 1, 0))
        for family in options.family or FAMILIES:
            found += (
                Share(scenario, family, options.seed, options.every * SHARES, part)
                for part in range(options.part, options.every * SHARES, options.every)
            )
    return found


def do(share: Share) -> Done:
    """Run one share, in any process."""
    began, runs, findings = _processor_seconds(), 0, []
    for finding in campaign(share.scenario, share.family, share.seed, share.every, share.part):
        runs += 1
        if finding is not None:
            findings.append(finding)
    return Done(share, runs, findings, _processor_seconds() - began)


def _processor_seconds() -> float:
    """Of this process and of the children that it has waited for."""
    return sum(os.times()[:4])


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
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> int:
    """Run, print, write; 1 where anything was found."""
    arguments = _arguments()
    rate = rollouts_per_minute()
    print(f"{rate:.0f} rollouts a minute on one core", flush=True)
    tally, work = Tally(), shares(arguments)
    with multiprocessing.Pool(arguments.jobs) as pool:
        for number, done in enumerate(pool.imap_unordered(do, work), start=1):
            tally.add(done)
            for finding in done.findings:
                print(f"    {finding.scenario}, {finding.plan}: {finding.violations}"[:600])
            if number % SHARES == 0 or number == len(work):
                _write(arguments.output, tally, rate, arguments.every)
                print(
                    f"{tally.seconds:7.0f} s of processor, {tally.runs.total():6d} runs, "
                    f"{100 * number // len(work):3d} % of the shares",
                    flush=True,
                )
    print(f"{tally.runs.total()} runs, {len(tally.findings)} with a violation")
    return 1 if tally.findings else 0


def _write(path: Path, tally: Tally, rate: float, every: int) -> None:
    summary = {
        "scenarios": len({share.scenario for share in tally.shares}),
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
