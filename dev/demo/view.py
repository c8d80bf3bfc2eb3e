"""What users saw of a rollout, by chapter of the story and by release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.users.results import Account, Result, account

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NAMELESS = "no release named"


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of the story; ``start`` and ``end`` are Unix times in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Row:
    """One release's account in one chapter."""

    chapter: str
    release: str
    account: Account


def rows(
    chapters: Sequence[Chapter], results: Iterable[Result], labels: Mapping[str, str]
) -> Iterator[Row]:
    """Account for results by chapter and release; ``labels`` names releases by their hash."""
    every = list(results)
    for chapter in chapters:
        within = [result for result in every if chapter.start <= result.at < chapter.end]
        for release in _in_order(within, labels):
            yield Row(
                chapter.name,
                labels.get(release, release or NAMELESS),
                account(result for result in within if result.release == release),
            )


def _in_order(results: Sequence[Result], labels: Mapping[str, str]) -> list[str]:
    order = {release: number for number, release in enumerate(labels)}
    return sorted({r.release for r in results}, key=lambda r: (order.get(r, len(order)), r))
