"""What users experienced, one result a request, and the accounts drawn from it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Mode = Literal["keepalive", "fresh"]
Endpoint = Literal["generate", "export"]
PAGE = 5000
"""Results in one page at most."""


@dataclass(frozen=True, slots=True)
class Result:
    """One request as its user saw it.

    ``at`` is the Unix time it was sent at and ``latency`` the time to the last byte of its answer,
    both in seconds.  ``status`` is 0 where no whole answer came; ``error`` then names the class of
    what happened on the connection.  ``release`` is '' where no header named one.
    """

    seq: int
    at: float
    latency: float
    status: int
    error: str
    release: str
    mode: Mode
    endpoint: Endpoint

    @property
    def failed(self) -> bool:
        """Whether the service failed its user: no whole answer, or a 5xx."""
        return self.status == 0 or self.status >= 500

    def line(self) -> str:
        """Write the result as one JSON line."""
        return json.dumps(asdict(self), separators=(",", ":"))


def parse(line: str) -> Result:
    """Read what ``Result.line`` wrote; raises TypeError or ValueError on anything else."""
    return Result(**json.loads(line))


class Ring:
    """The newest ``size`` results, numbered from 1 without gaps."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: list[Result] = []
        self.last = 0

    def __len__(self) -> int:
        return len(self._results)

    def add(self, result: Result) -> None:
        """Keep a result; its ``seq`` must be the next one."""
        if result.seq != self.last + 1:
            raise ValueError(f"result {result.seq} does not follow {self.last}: number it so")
        if len(self._results) < self._size:
            self._results.append(result)
        else:
            self._results[(result.seq - 1) % self._size] = result
        self.last = result.seq

    def since(self, seq: int, limit: int = PAGE) -> Iterator[Result]:
        """Yield up to ``limit`` results after ``seq``; those that the ring lost are left out."""
        first = max(seq, self.last - len(self._results), 0)
        for number in range(first, min(self.last, first + limit)):
            yield self._results[number % self._size]


@dataclass(frozen=True, slots=True)
class Account:
    """Requests, failures and latency percentiles, in seconds, of some set of results."""

    requests: int
    errors: int
    p50: float
    p95: float


def account(results: Iterable[Result]) -> Account:
    """Count requests and failures; percentiles are over the requests that got an answer."""
    every = list(results)
    latencies = sorted(result.latency for result in every if result.status)
    errors = sum(result.failed for result in every)
    return Account(len(every), errors, percentile(latencies, 0.5), percentile(latencies, 0.95))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile of sorted values; 0.0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def summary(results: Iterable[Result]) -> dict[str, Any]:
    """Account for all results, and by release, mode, endpoint, status and connection error."""
    every = list(results)
    groups: dict[str, dict[str, list[Result]]] = {
        name: defaultdict(list) for name in ("release", "mode", "endpoint", "status", "error")
    }
    for result in every:
        for name, group in groups.items():
            group[str(getattr(result, name))].append(result)
    accounts = {
        name: {key: asdict(account(found)) for key, found in sorted(group.items())}
        for name, group in groups.items()
    }
    return {"all": asdict(account(every)), **accounts}
