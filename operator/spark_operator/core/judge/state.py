"""What the judge remembers between two looks. It is small, and a value like any other."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_operator.core.judge.readings.baseline import Baseline, Habit
    from spark_operator.core.judge.readings.deltas import Track, Vector
    from spark_operator.core.judge.verdict import Evidence, VerdictReason

Row = tuple[float, ...]
"""A mixture's parts, one per alternative rate (`eprocess.grow`)."""


@dataclass(frozen=True, slots=True)
class PodBlock:
    """One pod's sums in the open block."""

    pod: str
    vector: Vector


@dataclass(frozen=True, slots=True)
class Block:
    """The block that is being filled.

    Attributes:
        since: when it was opened, Unix seconds.
        young: a candidate pod in it is still warming up.
        candidate: one entry per pod with readings.
        stable: the same.
    """

    since: float
    young: bool = False
    candidate: tuple[PodBlock, ...] = ()
    stable: tuple[PodBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Recent:
    """Counts that fade: what is going on now.

    `n`, `x` of the candidate, then of stable. Stable's fade slower: they also say what to
    expect of it.
    """

    n: float = 0.0
    x: float = 0.0
    stable_n: float = 0.0
    stable_x: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What was read at the present weight: the only ground for a `Pass`.

    Attributes:
        at: when the weight became what it is, Unix seconds.
        first: the first reading that counts; inf if there is none.
        last: the last one.
        n: requests judged.
        x: failures among them.
    """

    at: float
    first: float = inf
    last: float = -inf
    n: float = 0.0
    x: float = 0.0


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the candidate is there at all.

    Attributes:
        ready_once: a candidate pod has been ready and answered.
        down: seconds it was away, as far as it has not been back for a while since.
        up: seconds since it came back.
        restarts: restarts of its containers seen in this trial.
        ooms: how many of them were OOM kills.
        known: of each pod at the last look, its restart count and whether it has been ready.
        idle: seconds it had requests in flight and finished none.
        stable_done: stable's requests finished per pod in that time.
        cause: what was wrong at the last look, in words; empty if nothing.
        silent: seconds that most of its pods, ready as they are, have not answered a scrape.
    """

    ready_once: bool = False
    down: float = 0.0
    up: float = 0.0
    restarts: int = 0
    ooms: int = 0
    known: tuple[tuple[str, int, bool], ...] = ()
    idle: float = 0.0
    stable_done: float = 0.0
    cause: str = ""
    silent: float = 0.0


@dataclass(frozen=True, slots=True)
class BreakerTimes:
    """One provider's circuit breaker on both sides: open since when; None while closed."""

    provider: str
    candidate_since: float | None = None
    stable_since: float | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """The classic mode's counts: those of the open interval, and the checks so far.

    `n`, `x` are the candidate's requests and failures, then stable's.
    """

    since: float
    n: float = 0.0
    x: float = 0.0
    stable_n: float = 0.0
    stable_x: float = 0.0
    failed: int = 0
    passed: int = 0


@dataclass(frozen=True, slots=True)
class QueryBlock:
    """One user query in the open block of queries, and its evidence.

    Attributes:
        name: the query's name.
        looks: values seen in the block.
        out: values out of bounds among them.
        value: the candidate's last value; None if it has none.
        stable_value: stable's.
        row: the mixture's parts.
    """

    name: str
    looks: float = 0.0
    out: float = 0.0
    value: float | None = None
    stable_value: float | None = None
    row: Row = ()


@dataclass(frozen=True, slots=True)
class Queries:
    """The user queries' block, which has its own length.

    Attributes:
        since: when it was opened, Unix seconds.
        working: the share of the start capital put to work so far.
        found: by query.
    """

    since: float
    working: float = 0.0
    found: tuple[QueryBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeState:
    """Everything a verdict depends on besides the plan.

    Attributes:
        started_at: the trial's beginning, Unix seconds.
        at: the last tick.
        candidate: tracks of the candidate's pods.
        stable: tracks of stable's pods.
        queries: the user queries.
        habit: how the candidate's errors come, for the day when it is stable.
        stable_habit: how stable's do.
        forgotten_before: a pod that started before this and has no track gives only a base
            line at its next reading.
        bounds: the latency bounds that tracks and block were read with.
        block: the open block.
        rows: evidence by hypothesis and side, see `blocks.py`.
        working: the share of the start capital put to work so far.
        recent: fading counts by metric.
        step: the present weight's counts.
        presence: whether the candidate is there.
        breakers: by provider.
        candidate_at: the last good reading of the candidate.
        stable_at: the last good reading of stable.
        stable_busy_at: the last reading in which stable had finished a request.
        checks: the classic mode's counts.
        failed: reason, message and evidence of a `Fail` once reached; it stays.
        baseline: how stable's errors came before this trial.
    """

    started_at: float
    at: float
    block: Block
    step: Step
    checks: Checks
    queries: Queries
    habit: Habit
    stable_habit: Habit
    forgotten_before: float
    bounds: tuple[float, ...] = ()
    candidate: tuple[Track, ...] = ()
    stable: tuple[Track, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    recent: Mapping[str, Recent] = field(default_factory=dict)
    presence: Presence = field(default_factory=Presence)
    breakers: tuple[BreakerTimes, ...] = ()
    working: float = 0.0
    candidate_at: float = -inf
    stable_at: float = -inf
    stable_busy_at: float = -inf
    failed: tuple[VerdictReason, str, Evidence] | None = None
    baseline: Baseline | None = None
