"""Who a request is from, and how often a stranger may come or guess.

A right key is served whatever else comes from its address, except where that address has just
tried many different secrets for the very id: then the right one would be one guess more.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import limits

from spark_app.admission.ratelimit import Decision
from spark_app.core.keys import Caller, claimed_id
from spark_app.core.window import SlidingWindow
from spark_app.errors import RateLimitedError, RevocationsUnknownError, UnauthenticatedError
from spark_app.web.exchange import header

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from spark_app.core.keys import KeyRing

MAX_REMEMBERED = 10_000
"""Wrong keys, as hashes: who repeats one does not guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often strangers may come, as ``limits`` reads it, for example ``10/minute``.

    Attributes:
        address: requests without a key from one address, of one pod.
        together: requests without a key from everywhere, of all pods.
        wrong: wrong keys from one address, and different ones for one id, of one pod.
        replicas: pods that share ``together``.
    """

    address: str
    together: str
    wrong: str
    replicas: int = 1


class Door:
    """Tells callers from strangers.

    Args:
        anonymous: where no key is needed, whether such requests have no limit.
        now: Unix time in seconds.
    """

    def __init__(
        self,
        keys: KeyRing,
        rates: Rates,
        *,
        anonymous: bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self._anonymous = anonymous
        self._address = _Limit(rates.address, now)
        self._together = _Limit(rates.together, now, rates.replicas)
        self._wrong = _Limit(rates.wrong, now)
        self._guesses = _Limit(rates.wrong, now)
        self._known_wrong: OrderedDict[int, None] = OrderedDict()

    @property
    def policy(self) -> str:
        """What becomes of a request without a key: ``refused``, ``limited`` or ``allowed``."""
        if self.keys.enabled:
            return "refused"
        return "allowed" if self._anonymous else "limited"

    def caller(self, scope: Scope, *, needed: bool = False) -> Caller | None:
        """Who sends a request; None where it has no key, or a wrong one and none is needed.

        Args:
            scope: of the request.
            needed: whether a key is needed even where the service as a whole wants none.

        Raises:
            RevocationsUnknownError: nobody can tell which keys are valid.
            UnauthenticatedError: the key is wrong.
            RateLimitedError: too many wrong keys came from there.
        """
        presented = presented_key(scope)
        if presented is None:
            return None
        if self.keys.in_doubt():
            raise RevocationsUnknownError
        if not (needed or self.keys.enabled):
            return self.keys.identify(presented)
        address = address_of(scope)
        guessed = f"{address} {claimed_id(presented)}"
        caller = self.keys.identify(presented)
        if caller is not None and not self._guesses.full(guessed):
            return caller
        decision = self._note_wrong(presented, address, guessed)
        if caller is not None or not decision.allowed:
            raise RateLimitedError(
                "too many wrong keys came from this address; wait before you try again",
                retry_after=max(1.0, decision.reset),
                extra={"violated-policies": ["wrong-keys"]},
            )
        raise UnauthenticatedError("the key in the header X-API-Key is not valid")

    def stranger(self, scope: Scope) -> Decision | None:
        """Count a request without a key; None where such requests have no limit."""
        if self._anonymous:
            return None
        own = self._address.hit(address_of(scope))
        return own if not own.allowed else min(own, self._together.hit(""), key=_tightness)

    def _note_wrong(self, presented: str, address: str, guessed: str) -> Decision:
        seen = hash((address, presented))
        if seen not in self._known_wrong:
            self._guesses.hit(guessed)
            self._known_wrong[seen] = None
            if len(self._known_wrong) > MAX_REMEMBERED:
                self._known_wrong.popitem(last=False)
        return self._wrong.hit(address)


class _Limit:
    """A sliding window that this pod counts alone."""

    def __init__(self, rate: str, now: Callable[[], float], replicas: int = 1) -> None:
        item = limits.parse(rate)
        self._quota = max(1, math.ceil(item.amount / replicas))
        self._seconds = item.get_expiry()
        self._window = SlidingWindow(self._quota, self._seconds, now)

    def hit(self, key: str) -> Decision:
        count = self._window.hit(key)
        reset = math.ceil(count.reset)
        return Decision(count.allowed, self._quota, self._seconds, count.remaining, reset)

    def full(self, key: str) -> bool:
        return self._window.full(key)


def _tightness(decision: Decision) -> tuple[bool, int]:
    return decision.allowed, decision.remaining


def presented_key(scope: Scope) -> str | None:
    """Return the key that the client sent, in ``X-API-Key`` or as a bearer token."""
    key = header(scope, b"x-api-key")
    if key is None:
        scheme, _, token = (header(scope, b"authorization") or "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else None
    return key


def address_of(scope: Scope) -> str:
    """Where a request comes from: of IPv6 the /64, since whoever has one has all of it."""
    host = (scope.get("client") or ("-",))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "-"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))
