"""A circuit breaker over a failure-rate window, with few probes when half open.

The semantics are Resilience4j's COUNT/TIME-window breaker, made stricter in two points: any
failed probe reopens at once, and the open time is jittered, so that pods do not probe in step.
``docs/adr/0007-a-breaker-of-our-own.md`` says why no library does this.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class BreakerState(enum.StrEnum):
    """What a caller meets; the values are those of the metric's ``state`` label."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerOpenError(Exception):
    """The call was not admitted; ``retry_after`` is in seconds."""

    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__(f"the breaker of {name} admits no call; try again in {retry_after:.0f} s")
        self.name = name
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """Times in seconds, rates as fractions of 1."""

    window: float = 60.0
    minimum_calls: int = 10
    failure_rate: float = 0.5
    open_seconds: float = 30.0
    jitter: float = 0.2
    probes: int = 2
    successes_to_close: int = 3
    maximum_calls: int = 10_000


class Permit:
    """One admitted call. Settle it once; an unsettled one is given back by ``release``."""

    __slots__ = ("_breaker", "_era", "_settled")

    def __init__(self, breaker: Breaker, era: int) -> None:
        self._breaker = breaker
        self._era = era
        self._settled = False

    def success(self) -> None:
        """Note that the provider answered as it should."""
        self._settle(failed=False)

    def failure(self) -> None:
        """Note that the provider failed, in a way that counts against it."""
        self._settle(failed=True)

    def release(self) -> None:
        """Note that a call taught nothing about the provider: cancelled, or a client's mistake."""
        self._settle(failed=None)

    def _settle(self, *, failed: bool | None) -> None:
        if self._settled:
            return
        self._settled = True
        self._breaker._record(failed=failed, era=self._era)  # noqa: SLF001


class Breaker:
    """The breaker of one provider.

    Args:
        name: the provider, for messages.
        clock: monotonic seconds.
        chance: uniform numbers in [0, 1), for the jitter.
    """

    def __init__(
        self,
        name: str,
        config: BreakerConfig,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._name = name
        self._config = config
        self._clock = clock
        self._chance = chance
        self._calls: deque[tuple[float, bool]] = deque(maxlen=config.maximum_calls)
        self._failed = 0
        self._open_until: float | None = None
        # Outcomes of calls that were admitted before the last transition say nothing about now.
        self._era = 0
        self._probing = 0
        self._probe_successes = 0

    @property
    def state(self) -> BreakerState:
        """The state now; it turns half open by itself when the open time is over."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._open_until else BreakerState.HALF_OPEN

    @property
    def retry_after(self) -> float:
        """Seconds until a call has a chance to be admitted; 0 when it has one now."""
        if self._open_until is None:
            return 0.0
        return max(0.0, self._open_until - self._clock())

    @property
    def failure_rate(self) -> float:
        """The share of failed calls in the window; 0 when it is empty."""
        self._expire()
        return self._failed / len(self._calls) if self._calls else 0.0

    @property
    def admits(self) -> bool:
        """Whether ``admit`` would succeed now."""
        match self.state:
            case BreakerState.CLOSED:
                return True
            case BreakerState.HALF_OPEN:
                return self._probing < self._config.probes
            case BreakerState.OPEN:
                return False

    def admit(self) -> Permit:
        """Ask for one call.

        Raises:
            BreakerOpenError: open, or every probe is in flight.
        """
        if not self.admits:
            raise BreakerOpenError(self._name, max(self.retry_after, 1.0))
        if self._open_until is not None:
            self._probing += 1
        return Permit(self, self._era)

    def reset(self) -> None:
        """Close, and forget what was seen."""
        self._close()

    def _record(self, *, failed: bool | None, era: int) -> None:
        if era != self._era:
            return
        if self._open_until is not None:
            self._record_probe(failed=failed)
        elif failed is not None:
            self._record_call(failed=failed)

    def _record_probe(self, *, failed: bool | None) -> None:
        self._probing -= 1
        if failed:
            self._open()
        elif failed is False:
            self._probe_successes += 1
            if self._probe_successes >= self._config.successes_to_close:
                self._close()

    def _record_call(self, *, failed: bool) -> None:
        if len(self._calls) == self._calls.maxlen:
            self._failed -= self._calls.popleft()[1]
        self._calls.append((self._clock(), failed))
        self._failed += failed
        self._expire()
        enough = len(self._calls) >= self._config.minimum_calls
        if enough and self._failed >= self._config.failure_rate * len(self._calls):
            self._open()

    def _expire(self) -> None:
        oldest = self._clock() - self._config.window
        while self._calls and self._calls[0][0] <= oldest:
            self._failed -= self._calls.popleft()[1]

    def _open(self) -> None:
        stretch = 1.0 + self._config.jitter * (2.0 * self._chance() - 1.0)
        self._open_until = self._clock() + self._config.open_seconds * stretch
        self._next_era()

    def _close(self) -> None:
        self._open_until = None
        self._calls.clear()
        self._failed = 0
        self._next_era()

    def _next_era(self) -> None:
        self._era += 1
        self._probing = 0
        self._probe_successes = 0
