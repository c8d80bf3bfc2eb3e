"""Traffic shares and error rates over time, from single results."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dev.users.results import Result


@dataclass(frozen=True, slots=True)
class Series:
    """One release over time; a point is (seconds since the start, percent).

    ``shares`` has a point for every bin; ``errors`` only for bins in which it was asked at all.
    """

    release: str
    shares: tuple[tuple[float, float], ...]
    errors: tuple[tuple[float, float], ...]


def series(
    results: Iterable[Result], start: float, end: float, *, share_bin: float, error_bin: float
) -> list[Series]:
    """Compute one series per release, in the order of their first requests; times in seconds."""
    every = sorted((r for r in results if start <= r.at < end), key=lambda result: result.at)
    releases = list(dict.fromkeys(result.release for result in every))
    total = _count(every, start, share_bin)
    bins = int((end - start) / share_bin) + 1
    return [
        Series(
            release,
            _shares(_count([r for r in every if r.release == release], start, share_bin),
                    total, bins, share_bin),
            _errors([r for r in every if r.release == release], start, error_bin),
        )
        for release in releases
    ]  # fmt: skip


def _shares(
    mine: Mapping[int, int], total: Mapping[int, int], bins: int, width: float
) -> tuple[tuple[float, float], ...]:
    return tuple(
        (number * width, 100 * mine.get(number, 0) / total[number])
        for number in range(bins)
        if total.get(number)
    )


def _errors(
    results: Sequence[Result], start: float, width: float
) -> tuple[tuple[float, float], ...]:
    asked = _count(results, start, width)
    failed = _count([result for result in results if result.failed], start, width)
    return tuple(
        ((number + 0.5) * width, 100 * failed.get(number, 0) / asked[number])
        for number in sorted(asked)
    )


def _count(results: Sequence[Result], start: float, width: float) -> Counter[int]:
    return Counter(int((result.at - start) / width) for result in results)
