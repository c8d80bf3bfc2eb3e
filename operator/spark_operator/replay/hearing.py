"""What of the trace's pods is known at each moment: who reports, who is late, who is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spark_operator.core.judge import PodSample
from spark_operator.replay.trace import ROUNDING, merged

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.replay.line import Role, TraceReading
    from spark_operator.replay.trace import Frame

LONGEST_INTERVAL: Final = 10.0
"""A pod silent for longer than this is late, however seldom it reports."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The last reading of a pod; times are in the trace's seconds.

    Attributes:
        reading: the last one.
        since: the pod counts from zero from then on; None: from an unknown time before.
        interval: seconds between its last two readings, 1 to ``LONGEST_INTERVAL``.
    """

    reading: TraceReading
    since: float | None
    interval: float = 1.0

    def followed_by(self, reading: TraceReading) -> Heard:
        """What is known after one more reading."""
        gap = reading.at - self.reading.at
        return Heard(reading, self.since, min(max(gap, 1.0), LONGEST_INTERVAL))

    def is_late(self, now: float) -> bool:
        """Whether a reading is missing, by the pod's own rhythm."""
        return now - self.reading.at >= self.interval - ROUNDING


class Hearing:
    """Follows the frames of a trace; ``begin`` is when the trial starts, in its seconds."""

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._pods: dict[tuple[Role, str], Heard] = {}

    def listen(self, frame: Frame) -> None:
        """Take in one second of the trace."""
        latest: dict[tuple[Role, str], TraceReading] = {}
        for reading in frame.readings:
            key = reading.role, reading.pod
            latest[key] = merged(latest.get(key), reading)
        for key, reading in latest.items():
            known = self._pods.get(key)
            # A candidate's pod starts in the trial; how old stable's are the trace does not say
            since = max(self._begin, frame.at - 1.0) if key[0] == "candidate" else None
            self._pods[key] = known.followed_by(reading) if known else Heard(reading, since)

    def samples(
        self, role: Role, now: float, clock: Callable[[float], float]
    ) -> tuple[PodSample, ...]:
        """One release's pods as the judge sees them.

        One that is silent while others of its release report was replaced; where all of a
        release are silent, none has values.
        """
        pods = [heard for (of, _), heard in self._pods.items() if of == role]
        present = [heard for heard in pods if not heard.is_late(now)]
        return tuple(
            PodSample(
                pod=f"{role}/{heard.reading.pod}",
                at=clock(heard.reading.at),
                values=heard.reading.counters if present else None,
                ready=True,
                restarts=0,
                started_at=0.0 if heard.since is None else clock(heard.since),
            )
            for heard in present or pods
        )
