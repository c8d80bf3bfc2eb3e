"""A provider's outage that both releases share, seen through real circuit breakers.

``python -m bench.judge.outages`` runs every cell and writes what came of it to
``bench/results/provider-outages.json``: how many good releases are thrown out, and how fast one is
whose own calls fail.  Every pod has the service's own breaker, whose open time is jittered; the
judge looks once a second.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
from dataclasses import dataclass, field
from itertools import product
from math import inf
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from spark_app.core.breaker import Breaker, BreakerConfig
from spark_operator.core import judge
from spark_operator.core.judge import Counters, JudgePlan, PodSample, Sensitivity, Tick, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = Path(__file__).resolve().parents[1] / "results" / "provider-outages.json"
BEGINS: Final = 70
"""Seconds of health before the outage: a breaker's window is full by then."""
LOOKS: Final = 50
"""When the judge begins to look."""
AFTER: Final = 75
"""Seconds looked at after it: every breaker has been half-open twice."""
BASE_ERRORS: Final = 0.005
SLOW: Final = (1.0, 2.5, 5.0, 10.0)

Phase = Literal["trial", "guard"]
Fault = Literal["shared", "own", "own-slow-standby", "own-without-standby"]
STANDBY: Final[dict[Fault, float]] = {"own-without-standby": 0.0, "own-slow-standby": 4.0}
"""Seconds that the other provider takes, if they are not ``USUAL``; 0: there is none."""
USUAL: Final = 0.9


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting.

    Attributes:
        phase: on trial both serve; in the guard the previous release is idle.
        stable_pods: pods of the release beside; the candidate has one on trial, as many in guard.
        rate: requests per second in all.
        seconds: how long the provider is away.
        fault: whose calls of it fail, and whether another provider answers instead.
    """

    phase: Phase
    stable_pods: int
    rate: float
    seconds: int
    fault: Fault = "shared"

    @property
    def name(self) -> str:
        """Names the cell in the results."""
        text = f"{self.phase}, {self.stable_pods} stable, {self.rate:g}/s, {self.seconds} s"
        return text if self.fault == "shared" else f"{text}, {self.fault}"


@dataclass
class Pod:
    """One pod of the service: two providers in order, the first behind a real breaker."""

    name: str
    chance: random.Random
    clock: list[float]
    standby: float = USUAL
    requests: float = 0.0
    failed: float = 0.0
    blamed: float = 0.0
    calls: dict[str, float] = field(default_factory=lambda: {"claude": 0.0, "openai": 0.0})
    slow: dict[float, float] = field(default_factory=lambda: dict.fromkeys(SLOW, 0.0))

    def __post_init__(self) -> None:
        self.breaker = Breaker("claude", BreakerConfig(), lambda: self.clock[0], self.chance.random)

    def serve(self, *, away: bool) -> None:
        """Answer one request while the first provider is there, or away."""
        self.requests += 1
        self.failed += self.chance.random() < BASE_ERRORS
        seconds, answered = 0.0, False
        if self.breaker.admits:
            permit = self.breaker.admit()
            self.calls["claude"] += 1
            seconds += self.chance.expovariate(4.0 if away else 1.25)
            if away:
                permit.failure()
            else:
                permit.success()
                answered = True
        if not answered and self.standby:
            self.calls["openai"] += 1
            seconds += self.chance.expovariate(1 / self.standby)
            answered = True
        self.blamed += not answered
        for bound in SLOW:
            self.slow[bound] += seconds > bound

    def sample(self, at: float) -> PodSample:
        """Return the pod as a scrape sees it."""
        n = self.requests
        values = Counters(
            requests=n,
            failures_app=self.failed,
            failures_provider=self.blamed,
            client_errors=0.0,
            latency_buckets=(*((b, n - self.slow[b]) for b in SLOW), (inf, n)),
            cache_hits=n,
            cache_misses=0.0,
            breakers=(("claude", self.breaker.state.value), ("openai", "closed")),
            calls=tuple(self.calls.items()),
            inflight=0.0,
        )
        return PodSample(self.name, at, values, ready=True, restarts=0, started_at=at - 3600.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one trial ended.

    Attributes:
        failed: the verdict was ``Fail``.
        reason: its reason.
        after: seconds from the opening of the candidate's breaker to it; None: it never opened.
    """

    failed: bool
    reason: str = ""
    after: float | None = None


def _arrivals(chance: random.Random, rate: float) -> int:
    count, at = 0, chance.expovariate(rate)
    while at < 1.0:
        count, at = count + 1, at + chance.expovariate(rate)
    return count


def _second(cell: Cell, chance: random.Random, serving: list[Pod], *, away: bool) -> None:
    for _ in range(_arrivals(chance, cell.rate)):
        pod = serving[int(chance.random() * len(serving))]
        pod.serve(away=away and (cell.fault == "shared" or pod.name[0] == "c"))


def trial(cell: Cell, seed: int, plan: JudgePlan) -> Outcome:
    """Run one trial with one seed, to its end or to a ``Fail``."""
    chance, clock = random.Random(f"{cell.name} {seed}"), [0.0]
    standby = STANDBY.get(cell.fault, USUAL)
    count = 1 if cell.phase == "trial" else cell.stable_pods
    candidate = [Pod(f"c{i}", chance, clock, standby) for i in range(count)]
    stable = [Pod(f"s{i}", chance, clock, standby) for i in range(cell.stable_pods)]
    serving = [*candidate, *stable] if cell.phase == "trial" else candidate
    state = judge.start(plan, LOOKS - 1.0)
    opened: float | None = None
    for second in range(1, BEGINS + cell.seconds + AFTER):
        clock[0] = float(second)
        _second(cell, chance, serving, away=BEGINS <= second < BEGINS + cell.seconds)
        if opened is None and candidate[0].breaker.state.value == "open":
            opened = clock[0]
        if second < LOOKS:
            continue
        mine, theirs = (tuple(it.sample(clock[0]) for it in side) for side in (candidate, stable))
        state = judge.observe(plan, state, Tick(clock[0], mine, theirs))
        if state.failed is not None:
            return Outcome(True, state.failed[0], None if opened is None else clock[0] - opened)
    said = judge.verdict(plan, state, clock[0])
    return Outcome(said.kind is VerdictKind.FAIL, said.reason)


def cells() -> Iterator[Cell]:
    """Return every cell: first those where nobody is to blame, then those where the release is."""
    phases: tuple[Phase, ...] = ("trial", "guard")
    for phase, pods, rate, seconds in product(phases, (1, 3), (1.0, 20.0), (25, 45, 60, 120)):
        yield Cell(phase, pods, rate, seconds)
    faults: tuple[Fault, ...] = ("own", "own-slow-standby", "own-without-standby")
    for pods, fault in product((1, 3), faults):
        yield Cell("trial", pods, 20.0, 180, fault)


def _run(work: tuple[Cell, int, int]) -> list[Outcome]:
    cell, first, count = work
    plan = judge.plan_for(Sensitivity.BALANCED)
    return [trial(cell, seed, plan) for seed in range(first, first + count)]


def told(cell: Cell, outcomes: list[Outcome]) -> dict[str, object]:
    """Return what came of a cell's trials."""
    failed = [it for it in outcomes if it.failed]
    after = [it.after for it in failed if it.after is not None]
    said: dict[str, object] = {"trials": len(outcomes), "rolled_back": len(failed)}
    if cell.fault != "shared":
        said["reasons"] = sorted({it.reason for it in failed})
        said["median_seconds_from_opening"] = median(after) if after else None
        said["longest"] = max(after, default=None)
    return said


def main() -> None:
    """Run all cells in rounds, and write after each cell what came of it so far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--round", type=int, default=50)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    outcomes: dict[Cell, list[Outcome]] = {cell: [] for cell in cells()}
    with multiprocessing.Pool(chosen.processes) as pool:
        for first in range(0, chosen.trials, chosen.round):
            count = min(chosen.round, chosen.trials - first)
            work = [(cell, first, count) for cell in outcomes]
            for cell, found in zip(outcomes, pool.imap(_run, work), strict=True):
                outcomes[cell] += found
                results = {cell.name: told(cell, ends) for cell, ends in outcomes.items() if ends}
                FILE.write_text(json.dumps(results, indent=1) + "\n")
            print(f"{first + count} trials of each cell", flush=True)


if __name__ == "__main__":
    main()
