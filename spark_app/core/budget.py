"""How many repetitions are allowed: a share of the traffic, so that no storm comes of them."""

from __future__ import annotations


class RetryBudget:
    """A token bucket that each request fills a little and each retry empties by one.

    Args:
        share: retries per request in the long run (0.1 = 10%).
        burst: retries that may be saved up.
    """

    def __init__(self, share: float = 0.1, burst: float = 10.0) -> None:
        self._share = share
        self._burst = burst
        self._tokens = burst

    def deposit(self) -> None:
        """Note that a request came in."""
        self._tokens = min(self._burst, self._tokens + self._share)

    def withdraw(self) -> bool:
        """Ask for one retry; False when the budget is spent."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
