"""Traffic shares by replica ratio.

With N stable pods and c candidate pods behind one Service, the candidate's share is c/(N+c).
"""

from __future__ import annotations


def candidate_pods(stable: int, weight: int) -> int:
    """Pods that give a candidate ``weight`` percent beside ``stable`` pods.

    For 0 < weight <= 50 this is max(1, round(N*w/(100-w))); at 100 it is N; at 0 one pod runs
    without traffic, so that it can be verified.

    Raises:
        ValueError: weight lies between 50 and 100, which the resource's schema refuses.
    """
    if weight == 0:
        return 1
    if weight == 100:
        return stable
    if not 0 < weight <= 50:
        msg = f"a weight of {weight}% cannot be made by replica ratio: use at most 50%, or 100%"
        raise ValueError(msg)
    return max(1, int(stable * weight / (100 - weight) + 0.5))


def share(candidate: int, stable: int) -> int:
    """The candidate's share of traffic in whole percent, 0 where there are no pods."""
    return round(100 * candidate / (candidate + stable)) if candidate else 0
