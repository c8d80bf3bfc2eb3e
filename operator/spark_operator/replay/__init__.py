"""A recorded trace through the real ``decide`` and the real judge, offline.

The trace's time is the only time: an hour replays in seconds.
"""

from spark_operator.replay.line import Reading, TraceError, write
from spark_operator.replay.plan import PlanError, check
from spark_operator.replay.run import Outcome, Replayed, replay
from spark_operator.replay.trace import Frame, frames

__all__ = [
    "Frame",
    "Outcome",
    "PlanError",
    "Reading",
    "Replayed",
    "TraceError",
    "check",
    "frames",
    "replay",
    "write",
]
