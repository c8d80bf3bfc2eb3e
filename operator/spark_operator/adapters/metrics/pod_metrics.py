"""Pods' own metrics endpoints, read side by side within one bound of time."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING, Final, TypeVar

import aiohttp

from spark_operator.adapters.http import AnswerTooLargeError, BadAnswerError, fetch
from spark_operator.adapters.metrics.exposition import ExpositionError, counters, vitals
from spark_operator.ports.metrics import Reading, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.observe.vitals import Measure
    from spark_operator.ports.clock import Clock

T = TypeVar("T")
PATH: Final = "/api/metrics"
SHARED_BYTES: Final = 16_777_216
"""What the pods of one resource may send in one round, all together."""
LEAST_BYTES: Final = 65_536
"""What each pod may send however many there are: several times the service's own page."""

log = logging.getLogger(__name__)


class PodMetrics:
    """The ``Metrics`` port on the pods themselves."""

    def __init__(
        self, http: aiohttp.ClientSession, clock: Clock, *, seconds: float, limit: int
    ) -> None:
        """``limit``: longest page in bytes; shorter where one resource has very many pods."""
        self._http = http
        self._clock = clock
        self._seconds = seconds
        self._limit = limit

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """See ``Metrics.read``; one slow or hostile pod costs its own reading only."""
        limit = self._share(len(targets))
        readings = await asyncio.gather(*(self._read_one(target, limit) for target in targets))
        return {target.uid: reading for target, reading in zip(targets, readings, strict=True)}

    async def _read_one(self, target: Target, limit: int) -> Reading:
        found = await self._page(target, counters, limit)
        return Reading(counters=found, at=self._clock.now())

    async def examine(self, targets: tuple[Target, ...]) -> dict[str, tuple[Measure, ...] | None]:
        """See ``Vitals.examine``."""
        limit = self._share(len(targets))
        told = await asyncio.gather(*(self._page(target, vitals, limit) for target in targets))
        return {target.uid: found for target, found in zip(targets, told, strict=True)}

    def _share(self, pods: int) -> int:
        """Return each pod's part, so that a release's many pods cost no more than a few."""
        return min(self._limit, max(LEAST_BYTES, SHARED_BYTES // max(pods, 1)))

    async def _page(self, target: Target, read: Callable[[bytes], T], limit: int) -> T | None:
        """Return what a pod's page says; None where it says nothing in time."""
        try:
            address = ipaddress.ip_address(target.ip)
            host = f"[{address}]" if address.version == 6 else str(address)
            url = f"http://{host}:{target.port}{PATH}"
            page = await fetch(self._http, url, seconds=self._seconds, limit=limit)
            return read(page)
        except (
            TimeoutError,
            ValueError,
            aiohttp.ClientError,
            AnswerTooLargeError,
            BadAnswerError,
            ExpositionError,
        ) as error:
            log.debug("no reading of pod %s: %s", target.uid, error)
            return None
