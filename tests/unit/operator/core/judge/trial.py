"""A trial for the tests: pods whose counters grow as told, looked at once a second."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from spark_operator.core import judge
from spark_operator.core.judge import Counters, JudgePlan, PodSample, QueryValue, Tick

ZERO = Counters(
    requests=0.0,
    failures_app=0.0,
    failures_provider=0.0,
    client_errors=0.0,
    cache_hits=0.0,
    cache_misses=0.0,
    breakers=(("claude", "closed"), ("openai", "closed")),
    inflight=0.0,
)
T0 = 1_700_000_000.0


@dataclass
class Pod:
    """One pod's counters."""

    name: str
    values: Counters = ZERO
    slow: float = 0.0
    ready: bool = True
    restarts: int = 0
    missed: bool = False
    started_at: float = T0 - 3600.0

    def add(self, requests: float = 0.0, slow: float = 0.0, **more: float) -> None:
        """Count more requests, and more of whatever is named."""
        grown = {name: getattr(self.values, name) + value for name, value in more.items()}
        total = (self.values.requests or 0.0) + requests
        self.values = replace(self.values, requests=total, **grown)
        self.slow += slow

    def sample(self, at: float) -> PodSample:
        """Return the pod as a scrape at `at` sees it."""
        n = self.values.requests or 0.0
        fast = n - self.slow
        buckets = ((1.0, fast), (2.5, fast), (5.0, fast), (10.0, fast), (inf, n))
        values = None if self.missed else replace(self.values, latency_buckets=buckets)
        return PodSample(self.name, at, values, self.ready, self.restarts, self.started_at)


@dataclass
class Trial:
    """A plan, both sides' pods, and the judge's state."""

    plan: JudgePlan
    candidate: list[Pod] = field(default_factory=lambda: [Pod("c0")])
    stable: list[Pod] = field(default_factory=lambda: [Pod(f"s{i}") for i in range(9)])
    at: float = T0

    def __post_init__(self) -> None:
        self.state = judge.at_step(self.plan, judge.start(self.plan, self.at), self.at)
        self.look()

    def look(self, *queries: QueryValue) -> judge.Verdict:
        """Let a second pass and look."""
        self.at += 1.0
        mine = tuple(pod.sample(self.at) for pod in self.candidate)
        theirs = tuple(pod.sample(self.at) for pod in self.stable)
        self.state = judge.observe(self.plan, self.state, Tick(self.at, mine, theirs, queries))
        return self.verdict()

    def serve(
        self, seconds: int, mine: dict[str, float], theirs: dict[str, float]
    ) -> judge.Verdict:
        """Look each second while every pod counts what is given; stop at a `Fail`."""
        found = self.verdict()
        for _ in range(seconds):
            for pods, counts in ((self.candidate, mine), (self.stable, theirs)):
                for pod in pods:
                    pod.add(**counts)
            found = self.look()
            if found.kind == judge.VerdictKind.FAIL:
                break
        return found

    def verdict(self) -> judge.Verdict:
        """Return the verdict now."""
        return judge.verdict(self.plan, self.state, self.at)
