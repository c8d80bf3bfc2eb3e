"""Leadership by a Lease of our own: acquire, renew, notice the loss, give up on shutdown."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from spark_operator.adapters.kubernetes import election
from spark_operator.core.model.objects import ChildKind
from spark_operator.ports.cluster import ClusterError, ConflictError, GoneError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from spark_operator.core.model.objects import Manifest
    from spark_operator.ports.clock import Clock

LEASE: Final = ChildKind("coordination.k8s.io/v1", "leases")

log = logging.getLogger(__name__)


class LeadershipLostError(Exception):
    """The lease could not be renewed in time: this process must do nothing more."""


class Lease:
    """One lease in one namespace, and this process' claim on it.

    Args:
        get: reads one object by path, None where there is none.
        request: sends a request (method, path, body), raises ``ClusterError``.
        clock: wall clock, for the times that are written.
        namespace: where the lease lives.
        name: its name.
        identity: this process, unique among replicas and restarts.
        monotonic: the observer's own clock, in seconds.
    """

    def __init__(
        self,
        get: Callable[[str], Awaitable[Manifest | None]],
        request: Callable[[str, str, Any], Awaitable[Manifest]],
        clock: Clock,
        *,
        namespace: str,
        name: str,
        identity: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get = get
        self._request = request
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._monotonic = monotonic
        self._seen: election.Sighting | None = None
        self._renewed = float("-inf")
        self._held: Manifest | None = None
        """The lease as this process wrote it last, and nobody is known to have changed since."""

    async def acquire(self) -> None:
        """Wait until this process leads."""
        while not await self._try():  # noqa: ASYNC110 - it is the API server that is polled
            await asyncio.sleep(election.RETRY_SECONDS)
        log.info("%s leads", self._identity)

    async def keep(self) -> None:
        """Renew until leadership is lost.

        Raises:
            LeadershipLostError: the lease was not renewed within its deadline.
        """
        took = 0.0
        while True:
            # From the beginning of one try to the next: after one that hung there is no time left.
            await asyncio.sleep(max(0.0, election.RETRY_SECONDS - took))
            began = self._monotonic()
            await self._try()
            took = self._monotonic() - began
            if self._monotonic() - self._renewed > election.RENEW_SECONDS:
                raise LeadershipLostError(
                    f"the lease {self._namespace}/{self._name} was not renewed for"
                    f" {election.RENEW_SECONDS:.0f} s: another replica may lead now"
                )

    def leads(self) -> bool:
        """Return whether the last renewal is recent enough to act on."""
        return self._monotonic() - self._renewed <= election.RENEW_SECONDS

    async def release(self) -> None:
        """Give the lease up, if this process holds it."""
        self._held = None
        try:
            lease = await self._get(self._path())
            if lease and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
                await self._request("PUT", self._path(), election.released(lease))
        except ClusterError as error:
            log.info("the lease was not released, it will expire: %s", error)

    async def _try(self) -> bool:
        """Take or renew the lease; whether this process holds it now."""
        try:
            async with asyncio.timeout(election.RENEW_SECONDS / 2):
                began = await self._renew()
                if began is None:
                    began = await self._take()
        except ConflictError:
            return False
        except (ClusterError, TimeoutError) as error:
            log.warning("the lease could not be renewed: %s", str(error) or type(error).__name__)
            return False
        if began is None:
            return False
        self._renewed = began
        return True

    async def _renew(self) -> float | None:
        """Write over what this process wrote last, in one request: when; None: it has changed."""
        if self._held is None:
            return None
        held, self._held = self._held, None
        began = self._monotonic()
        wanted = election.taken(held, self._identity, self._clock.now())
        try:
            self._held = await self._request("PUT", self._path(), wanted)
        except (ConflictError, GoneError):
            return None
        return began

    async def _take(self) -> float | None:
        """Look at the lease and take it if that may be: when; None: another one holds it."""
        lease = await self._get(self._path())
        if lease is None:
            new = election.fresh(self._namespace, self._name)
            lease = await self._request("POST", LEASE.path(self._namespace), new)
        began = self._monotonic()
        self._seen = election.sight(lease, self._seen, began)
        if not election.may_take(lease, self._seen, self._identity, began):
            return None
        wanted = election.taken(lease, self._identity, self._clock.now())
        self._held = await self._request("PUT", self._path(), wanted)
        return began

    def _path(self) -> str:
        return LEASE.path(self._namespace, self._name)
