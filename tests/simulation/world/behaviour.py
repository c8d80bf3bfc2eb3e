"""How a release behaves: the truth that the operator has to find out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.world.work import Work

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)
"""Upper bounds of the latency histogram, seconds."""
HEALTHY_ERRORS: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One image's behaviour; times are seconds after the pod's container started.

    Attributes:
        error_rate: share of requests answered 5xx by the app's fault.
        late_error_rate: the same, from the moment on that the history's ``late`` is set.
        slow: share of requests that take longer than 10 s.
        pulls: whether its image can be pulled.
        becomes_ready: whether its readiness probe ever succeeds.
        crashes_after: the process ends with exit code 1; None: never.
        out_of_memory_after: the kernel ends it; None: never.
        breaker_open: its breaker for claude is open.
        jobs: how its commands end, by the Job's ``spark.dev/job``; all others pass.
    """

    error_rate: float = HEALTHY_ERRORS
    late_error_rate: float | None = None
    slow: float = 0.0
    pulls: bool = True
    becomes_ready: bool = True
    crashes_after: float | None = None
    out_of_memory_after: float | None = None
    breaker_open: bool = False
    jobs: Mapping[str, Work] = field(default_factory=dict)


HEALTHY: Final = Behaviour()
