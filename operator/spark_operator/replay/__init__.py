"""A recorded trace through the real ``decide`` and the real judge, offline.

The trace's time is the only time: an hour replays in seconds.
"""

from spark_operator.replay.line import TraceError, TraceReading, write
from spark_operator.replay.plan import PlanError, check
from spark_operator.replay.run import Replayed, ReplayOutcome, replay
from spark_operator.replay.trace import Frame, frames

__all__ = [
    "Frame",
    "PlanError",
    "ReplayOutcome",
    "Replayed",
    "TraceError",
    "TraceReading",
    "check",
    "frames",
    "replay",
    "write",
]
