"""Pods' own metrics endpoints, read side by side within one bound of time."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, TypeVar

import httpx

from spark_operator.adapters.http import AnswerTooLargeError, BadAnswerError, fetch
from spark_operator.adapters.metrics.exposition import ExpositionError, counters, vitals
from spark_operator.ports.metrics import Reading, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from spark_operator.core.observe.vitals import Measure
    from spark_operator.ports.clock import Clock

T = TypeVar("T")
PATH: Final = "/api/metrics"

log = logging.getLogger(__name__)


class PodMetrics:
    """The ``Metrics`` port on the pods themselves."""

    def __init__(
        self, http: httpx.AsyncClient, clock: Clock, *, seconds: float, limit: int
    ) -> None:
        self._http = http
        self._clock = clock
        self._seconds = seconds
        self._limit = limit

    async def read(self, targets: tuple[Target, ...]) -> dict[str, Reading]:
        """See ``Metrics.read``; one slow or hostile pod costs its own reading only."""
        readings = await asyncio.gather(*(self._read_one(target) for target in targets))
        return {target.uid: reading for target, reading in zip(targets, readings, strict=True)}

    async def _read_one(self, target: Target) -> Reading:
        found = await self._page(target, counters)
        return Reading(counters=found, at=self._clock.now())

    async def examine(self, targets: tuple[Target, ...]) -> dict[str, tuple[Measure, ...] | None]:
        """See ``Vitals.examine``."""
        told = await asyncio.gather(*(self._page(target, vitals) for target in targets))
        return {target.uid: found for target, found in zip(targets, told, strict=True)}

    async def _page(self, target: Target, read: Callable[[bytes], T]) -> T | None:
        """What a pod's page says; None where it says nothing in time."""
        host = f"[{target.ip}]" if ":" in target.ip else target.ip
        url = f"http://{host}:{target.port}{PATH}"
        try:
            page = await fetch(self._http, url, seconds=self._seconds, limit=self._limit)
            return read(page)
        except (
            TimeoutError,
            httpx.HTTPError,
            httpx.InvalidURL,
            AnswerTooLargeError,
            BadAnswerError,
            ExpositionError,
        ) as error:
            log.debug("no reading of pod %s: %s", target.uid, error)
            return None
