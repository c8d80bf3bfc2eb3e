"""A recorded trace through the real ``decide`` and the real judge, offline.

The trace's time is the only time: an hour replays in seconds.
"""

from spark_operator.core.replay.run import Outcome, Replayed, replay
from spark_operator.core.replay.trace import Frame, Reading, TraceError, frames, write

__all__ = ["Frame", "Outcome", "Reading", "Replayed", "TraceError", "frames", "replay", "write"]
