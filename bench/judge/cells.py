"""What is simulated: fault classes, judges, and stable's hour of history before the trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench.judge.rules import RULES, Classic
from bench.judge.traces import Bursts, Episodes, Errors, Independent, Load, Outage, trace
from bench.judge.twin import Twin
from spark_operator.core.judge.plan import JudgePlan, Sensitivity, plan_for
from spark_operator.core.judge.readings.baseline import SCALES, Habit, learn, summary, tuned
from spark_operator.core.judge.readings.deltas import Delta

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from spark_operator.core.judge.readings.baseline import Baseline

    Array = NDArray[np.float64]

HISTORIES = 4
"""Different hours of stable's history per cell; trials are spread over them."""


SMALL, LARGE = Load(), Load(pods=3, stable_pods=27)


@dataclass(frozen=True)
class Cell:
    """One kind of traffic: how the candidate's and stable's errors come.

    Attributes:
        name: as the tables show it.
        candidate: makes the candidate's errors.
        stable: makes stable's.
        seconds: length of the trial.
        load: pods and requests.
        promised: the presets for which the theory promises at most 1% here.
        at: when the fault begins, for the delay.
        young_rate: failures of a young pod of stable, as its history knows them.
    """

    name: str
    candidate: Callable[[], Errors]
    stable: Callable[[], Errors]
    seconds: int = 3600
    load: Load = SMALL
    promised: tuple[str, ...] = ()
    at: int = 0
    young_rate: float = 0.005


ALL = ("fast", "balanced", "balanced+history", "robust", "robust+history")
BLOCKS = ("balanced", "balanced+history", "robust", "robust+history")


def _alike(name: str, errors: Callable[[], Errors], *promised: str, load: Load = SMALL) -> Cell:
    return Cell(name, errors, errors, promised=promised, load=load)


def false_cells() -> list[Cell]:
    """Return an hour without a fault, both sides alike, for every way errors come."""
    rates = (0.005, 0.01, 0.04)
    short, long = partial(Episodes, 0.005, 30), partial(Episodes, 0.005, 120)
    some, very = partial(Independent, 0.005, sigma=0.6), partial(Independent, 0.005, sigma=1.0)
    cold = partial(Independent, 0.005, before=0.04, at=120)
    return [
        *(_alike(f"independent, {100 * p:g}%", partial(Independent, p), *ALL) for p in rates),
        *(
            _alike(f"bursts of 5 inside a block, {100 * p:g}%", partial(Bursts, p), *BLOCKS)
            for p in rates
        ),
        *(
            _alike(f"bursts of 5 at any time, {100 * p:g}%", partial(Bursts, p, border=None))
            for p in rates[::2]
        ),
        _alike("pod episodes of 30 s", short),
        _alike("pod episodes of 2 min", long),
        _alike("pod episodes of 30 s, 3 pods", short, load=LARGE),
        _alike("pod episodes of 2 min, 3 pods", long, load=LARGE),
        _alike("uneven pods, sigma 0.6", some),
        _alike("uneven pods, sigma 1", very),
        _alike("uneven pods, sigma 1, 3 pods", very, load=LARGE),
        Cell("cold start, 4% for 2 min", cold, partial(Independent, 0.005), young_rate=0.04),
        _alike("outage of both, 30% for 10 min", partial(Outage, 0.005, 0.3, 600, 600), *ALL),
    ]


def fault_cells() -> list[Cell]:
    """Return faults of the candidate, from the start and after 30 healthy minutes."""

    def fault(p: float, at: int) -> Cell:
        candidate = partial(Independent, p, before=0.005, at=at)
        when = "after 30 min" if at else "from the start"
        seconds = at + (1800 if p < 0.2 else 600)
        stable = partial(Independent, 0.005)
        return Cell(f"{100 * p:g}% {when}", candidate, stable, seconds, at=at)

    def busy(p: float, name: str, load: Load) -> Cell:
        stable = partial(Independent, 0.005)
        return Cell(f"{100 * p:g}%, {name}", partial(Independent, p), stable, 600, load)

    def among(p: float, name: str, stable: Callable[[], Errors]) -> Cell:
        return Cell(f"{100 * p:g}% among {name}", partial(Independent, p), stable, 1800)

    one_of_ten, one_of_five = Load(1, 9, 10), Load(1, 4, 20)
    classes: dict[str, Callable[[], Errors]] = {
        "bursts of 5": partial(Bursts, 0.005),
        "episodes of 30 s": partial(Episodes, 0.005, 30),
        "episodes of 2 min": partial(Episodes, 0.005, 120),
        "uneven pods, sigma 1": partial(Independent, 0.005, sigma=1.0),
    }
    return [
        *(fault(p, at) for at in (0, 1800) for p in (1.0, 0.5, 0.2, 0.1, 0.05)),
        *(busy(p, "100 requests/s", one_of_ten) for p in (1.0, 0.5)),
        *(busy(p, "100 requests/s, 1 pod of 5", one_of_five) for p in (1.0, 0.5)),
        *(among(p, *named) for named in classes.items() for p in (0.5, 0.1)),
    ]


def plans() -> dict[str, JudgePlan]:
    """Return the judges by name."""
    return {sensitivity.value: plan_for(sensitivity) for sensitivity in Sensitivity}


def history(
    errors: Errors, load: Load, seed: int, count: int, young_rate: float = 0.005
) -> list[Baseline]:
    """Return what is learned from `count` separate hours of stable, sampled every 10 s.

    One pod's first two minutes at one request a second are known as well, at `young_rate`.
    """
    rng = np.random.default_rng(seed)
    plan = plan_for(Sensitivity.BALANCED)
    habits = [Habit((0.0,) * len(SCALES)) for _ in range(count)]
    shape = (count, load.stable_pods)
    failed = np.zeros(shape)
    for t in range(1, 3601):
        failed += errors.draw(rng, t, load.rate, shape)
        if t % 10 == 0:
            requests = 10.0 * load.rate
            for k, row in enumerate(failed.tolist()):
                found = [
                    Delta(f"s{i}", t - 10.0, float(t), (requests, x, 0.0), known=True, age=1e6)
                    for i, x in enumerate(row)
                ]
                habits[k] = learn(plan, habits[k], found, float(t))
            failed[:] = 0
    young = rng.binomial(120, young_rate, count)
    return [
        replace(summary(habit), young_n=120.0, young_x=float(x))
        for habit, x in zip(habits, young, strict=True)
    ]


class Judges:
    """Every judge and every classic rule on the same traces."""

    def __init__(self, cell: Cell, trials: int, seed: int) -> None:
        self.cell, self.trials = cell, trials
        past = history(cell.stable(), cell.load, seed + 1, HISTORIES, cell.young_rate)
        bounds = [round(i * trials / HISTORIES) for i in range(HISTORIES + 1)]
        slices = [slice(a, b) for a, b in pairwise(bounds)]
        self.parts: dict[str, list[tuple[slice, Twin]]] = {}
        for name, plan in plans().items():
            self.parts[name] = [(slice(0, trials), self._twin(plan, trials))]
            if plan.longest_block_seconds:
                self.parts[f"{name}+history"] = [
                    (part, self._twin(tuned(plan, baseline), part.stop - part.start))
                    for part, baseline in zip(slices, past, strict=True)
                ]
        self.rules = [Classic(rule, trials) for rule in RULES]

    def _twin(self, plan: JudgePlan, trials: int) -> Twin:
        load = self.cell.load
        return Twin(plan, trials, load.pods, load.stable_pods, young_until=plan.warm_up_seconds)

    def run(self, seed: int) -> dict[str, Array]:
        """Return, for each judge and rule, when each trial was rolled back; NaN if never."""
        cell = self.cell
        seconds = trace(
            cell.candidate(),
            cell.stable(),
            cell.load,
            trials=self.trials,
            seconds=cell.seconds,
            seed=seed,
        )
        for t, n, x, stable_n, stable_x in seconds:
            open_ = False
            for twins in self.parts.values():
                for part, twin in twins:
                    if np.isnan(twin.failed_at).any():
                        open_ = True
                        twin.tick(t, n[part], x[part], stable_n[part], stable_x[part])
            for rule in self.rules:
                rule.tick(t, n, x)
            if not open_ and t > cell.at + 600:
                break
        found = {
            name: np.concatenate([twin.failed_at for _, twin in twins])
            for name, twins in self.parts.items()
        }
        return found | {rule.rule.name: rule.failed_at for rule in self.rules}
