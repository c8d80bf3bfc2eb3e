"""One provider as the gateway sees it: its keys, its breaker, its rest after a 429."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_app.core.completion import FailureKind, ProviderFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from spark_app.core.breaker import Breaker
    from spark_app.core.provider import Provider
    from spark_app.providers.port import ProviderPort
    from spark_app.telemetry.metrics import Metrics

__all__ = ["DEFAULT_COOLDOWN", "KEY_RECHECK", "Pool"]

DEFAULT_COOLDOWN = 5.0
"""Seconds of rest after a 429 that names none."""
KEY_RECHECK = 300.0
"""Seconds after which a dead key is tried again: a provider's 401 can be a passing fault."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Key:
    port: ProviderPort
    dead_until: float = 0.0


class Pool:
    """The keys of one provider, in order of preference.

    Args:
        ports: one a key.
        clock: monotonic seconds.
        chance: uniform numbers in [0, 1), to spread the ends of cooldowns.
    """

    def __init__(
        self,
        name: Provider,
        ports: Sequence[ProviderPort],
        breaker: Breaker,
        metrics: Metrics,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self.name: Provider = name
        self.breaker = breaker
        self._metrics = metrics
        self._keys = [_Key(port) for port in ports]
        self._clock = clock
        self._chance = chance
        self._cooling_until = 0.0

    @property
    def cooling(self) -> float:
        """Seconds of rest left after a 429."""
        return max(0.0, self._cooling_until - self._clock())

    @property
    def live_keys(self) -> int:
        """How many keys are not known to be dead."""
        return sum(key.dead_until <= self._clock() for key in self._keys)

    @property
    def keys(self) -> int:
        """How many keys are configured."""
        return len(self._keys)

    @property
    def usable(self) -> bool:
        """Whether a call has a chance now."""
        return self.breaker.admits and not self.cooling and self.live_keys > 0

    @property
    def retry_after(self) -> float:
        """Seconds until a call may have a chance again."""
        if not self.live_keys:
            return KEY_RECHECK
        return max(self.cooling, self.breaker.retry_after, 1.0)

    def port(self) -> ProviderPort:
        """The preferred key's client.

        Raises:
            ProviderFailure: every key is dead.
        """
        now = self._clock()
        for key in self._keys:
            if key.dead_until <= now:
                return key.port
        raise ProviderFailure(FailureKind.UNAUTHORIZED, "no key is accepted any more")

    def note(self, port: ProviderPort, failure: ProviderFailure) -> None:
        """Draw the conclusions of a failure for the calls to come."""
        if failure.kind is FailureKind.UNAUTHORIZED:
            self._bury(port)
        elif failure.kind is FailureKind.RATE_LIMITED:
            wanted = DEFAULT_COOLDOWN if failure.retry_after is None else failure.retry_after
            # The provider's wish is a minimum; the jitter only ever adds.
            until = self._clock() + wanted * (1.0 + 0.1 * self._chance())
            self._cooling_until = max(self._cooling_until, until)

    async def prime(self) -> None:
        """Get the SDK ready, so that no user's request has to."""
        for key in self._keys[:1]:
            try:
                await key.port.prime()
            except Exception:  # its first user will see; a start must not fail by it
                _log.warning("the SDK of %s could not be primed", self.name, exc_info=True)

    async def close(self) -> None:
        """Close every client."""
        for key in self._keys:
            await key.port.close()

    def _bury(self, port: ProviderPort) -> None:
        for number, key in enumerate(self._keys, start=1):
            if key.port is port and key.dead_until <= self._clock():
                key.dead_until = self._clock() + KEY_RECHECK
                self._metrics.errors.labels("critical", "provider").inc()
                _log.critical(
                    "key %d of %s is refused by the provider; replace it", number, self.name
                )
