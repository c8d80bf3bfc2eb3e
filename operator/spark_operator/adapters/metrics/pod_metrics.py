"""Pods' own metrics endpoints, read side by side within one bound of time."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING, Final, TypeVar

from spark_operator.adapters.http import AnswerTooLargeError, BadAnswerError
from spark_operator.adapters.metrics.exposition import ExpositionError, counters, vitals
from spark_operator.adapters.metrics.scraper import NotAskedError, Scraper, UnreachableError
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
        self,
        pages: Scraper,
        clock: Clock,
        *,
        seconds: float,
        limit: int,
        observer: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make a port on a scraper.

        Args:
            pages: reads pages.
            clock: the time.
            seconds: longest time of one page.
            limit: its most bytes.
            observer: told "read", "missed" or "late" (by our own fault) of each page, for metrics.
        """
        self._pages = pages
        self._clock = clock
        self._seconds = seconds
        self._limit = limit
        self._observer = observer

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """See ``Metrics.read``; one slow or hostile pod costs its own reading only."""
        limit = self._share(len(targets))
        readings = await asyncio.gather(*(self._read_one(target, limit) for target in targets))
        return {target.uid: reading for target, reading in zip(targets, readings, strict=True)}

    async def _read_one(self, target: Target, limit: int) -> Reading:
        try:
            found = await self._page(target, counters, limit)
        except NotAskedError as error:
            log.debug("pod %s was not asked in time: %s", target.uid, error)
            return Reading(counters=None, at=self._clock.now(), asked=False)
        return Reading(counters=found, at=self._clock.now())

    async def examine(self, targets: tuple[Target, ...]) -> dict[str, tuple[Measure, ...] | None]:
        """See ``Vitals.examine``."""
        limit = self._share(len(targets))
        told = await asyncio.gather(*(self._examine_one(target, limit) for target in targets))
        return {target.uid: found for target, found in zip(targets, told, strict=True)}

    def _share(self, pods: int) -> int:
        """Return each pod's part, so that a release's many pods cost no more than a few."""
        return min(self._limit, max(LEAST_BYTES, SHARED_BYTES // max(pods, 1)))

    async def _examine_one(self, target: Target, limit: int) -> tuple[Measure, ...] | None:
        try:
            return await self._page(target, vitals, limit)
        except NotAskedError:
            return None

    async def _page(self, target: Target, read: Callable[[bytes], T], limit: int) -> T | None:
        """Return what a pod's page says; None where it says nothing in time.

        Raises:
            NotAskedError: it was not asked in time.
        """
        outcome = "missed"
        try:
            address = ipaddress.ip_address(target.ip)
            host = f"[{address}]" if address.version == 6 else str(address)
            url = f"http://{host}:{target.port}{PATH}"
            page = await self._pages.page(url, seconds=self._seconds, limit=limit)
            found = read(page)
        except NotAskedError:
            outcome = "late"
            raise
        except (
            TimeoutError,
            ValueError,
            UnreachableError,
            AnswerTooLargeError,
            BadAnswerError,
            ExpositionError,
        ) as error:
            log.debug("no reading of pod %s: %s", target.uid, error)
            return None
        else:
            outcome = "read"
            return found
        finally:
            self._observer(outcome)
