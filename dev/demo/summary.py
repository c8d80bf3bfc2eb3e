"""The demo's figures, computed from what users saw and from when things happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dev.users.results import Result


@dataclass(slots=True)
class Marks:
    """Unix times in seconds at which the story reached its points; None: never."""

    started: float
    available: float | None = None
    good_applied: float | None = None
    promoted: float | None = None
    bad_applied: float | None = None
    rolled_back: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """``build/demo/summary.json``.

    ``cold_seconds``: from the command's start until release 1 was available.
    ``promote_seconds``: from applying release 2 until it was stable.
    ``bad_first_request_to_zero_traffic_seconds``: from the first request that release 3 answered
    until its last answer.  ``stable_errors``: failures of every release but the bad one, and those
    that no release can be named for.  ``unsent_requests`` the users themselves failed to send.
    Figures that were never reached are None.
    """

    cluster: str
    cold_seconds: float | None
    promote_seconds: float | None
    bad_first_request_to_zero_traffic_seconds: float | None
    bad_release_requests: int
    bad_release_errors: int
    stable_errors: int
    requests: int
    unsent_requests: int
    total_seconds: float | None
    outcome: str

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return asdict(self)


def summarise(
    cluster: str, marks: Marks, bad: str, results: Iterable[Result], *, unsent: int, outcome: str
) -> Summary:
    """Compute the figures; ``bad`` is the bad release's hash, '' where it never came to be."""
    every = list(results)
    of_bad = [result for result in every if bad and result.release == bad]
    others = [result for result in every if not bad or result.release != bad]
    return Summary(
        cluster=cluster,
        cold_seconds=_between(marks.started, marks.available),
        promote_seconds=_between(marks.good_applied, marks.promoted),
        bad_first_request_to_zero_traffic_seconds=exposed_seconds(of_bad),
        bad_release_requests=len(of_bad),
        bad_release_errors=sum(result.failed for result in of_bad),
        stable_errors=sum(result.failed for result in others),
        requests=len(every),
        unsent_requests=unsent,
        total_seconds=_between(marks.started, marks.ended),
        outcome=outcome,
    )


def exposed_seconds(results: Sequence[Result]) -> float | None:
    """Return the time from the first request's start to the last answer; None of none."""
    if not results:
        return None
    last = max(result.at + result.latency for result in results)
    return round(last - min(result.at for result in results), 2)


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 1)
