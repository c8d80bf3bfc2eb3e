"""How many requests users send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spark_operator.core.judge import PodSample, Tick


HIGHEST_RATE: Final = 10_000.0


def request_rate(before: Tick | None, after: Tick | None) -> float | None:
    """Requests per second on stable between two ticks; None where they do not tell."""
    if before is None or after is None or after.at <= before.at:
        return None
    then, now = _requests(before.stable), _requests(after.stable)
    both = then.keys() & now.keys()
    if not both:
        return None
    done = sum(max(0.0, now[pod] - then[pod]) for pod in both)
    return min(HIGHEST_RATE, done / (after.at - before.at))


def _requests(pods: Iterable[PodSample]) -> dict[str, float]:
    return {
        pod.pod: pod.values.requests
        for pod in pods
        if pod.values is not None and pod.values.requests is not None
    }
