"""What the candidate has answered in all, as its own counters say."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from spark_operator.core.judge.readings.deltas import CLIENT, ERRORS

if TYPE_CHECKING:
    from spark_operator.core.judge.state import JudgeState


def totals(state: JudgeState) -> tuple[int, int]:
    """Return requests and 5xx answers over the candidate's pods, as last read.

    A container that restarted counts from its restart: the sums are lower bounds.
    """
    requests = failures = 0.0
    for track in state.candidate:
        requests += _known(track.vector[CLIENT.start])
        failures += sum(_known(part) for part in track.vector[ERRORS][1:])
    return int(requests), int(failures)


def _known(value: float) -> float:
    return value if isfinite(value) else 0.0
