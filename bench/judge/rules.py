"""Flagger's and Argo Rollouts' rules, on the same traces as the judge.

Flagger 1.x (``pkg/controller/scheduler.go``): every interval one check; a success rate below the
threshold, or no data, is a failed check; failed checks add up over the whole analysis, and
after ``threshold`` of them the next interval rolls back. Argo Rollouts 1.x
(``analysis/analysis.go``): a measurement that misses the success condition fails; more failures
than ``failureLimit`` end the analysis run at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """A success rate, an interval, and how many misses are allowed.

    Attributes:
        name: as the tables show it.
        success: least success rate.
        interval: seconds between checks, each over the time since the last.
        failures: misses after which it rolls back.
        late: intervals between the last miss and the rollback (Flagger: the next one).
    """

    name: str
    success: float
    interval: int
    failures: int
    late: int


RULES = (
    Rule("Flagger 1m, 99%, threshold 5", 0.99, 60, 5, 1),
    Rule("Flagger 10s, 99%, threshold 1", 0.99, 10, 1, 1),
    Rule("Argo 1m, 95%, limit 3", 0.95, 60, 4, 0),
    Rule("Argo 10s, 99%, limit 0", 0.99, 10, 1, 0),
)


class Classic:
    """One rule on many trials; ``failed_at[trial]`` is NaN until it rolls back."""

    def __init__(self, rule: Rule, trials: int) -> None:
        self.rule = rule
        self.n, self.x, self.misses = np.zeros(trials), np.zeros(trials), np.zeros(trials)
        self.failed_at = np.full(trials, np.nan)

    def tick(self, t: float, n: Array, x: Array) -> None:
        """Take one second of the candidate, ``[trial, pod]`` each."""
        self.n += n.sum(1)
        self.x += x.sum(1)
        if int(t) % self.rule.interval:
            return
        self.misses += 1 - self.x / np.maximum(self.n, 1) < self.rule.success
        out = np.isnan(self.failed_at) & (self.misses >= self.rule.failures)
        self.failed_at[out] = t + self.rule.late * self.rule.interval
        self.n[:], self.x[:] = 0, 0
