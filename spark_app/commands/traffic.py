"""`spark-app traffic`: requests for a release that has too few users to be judged by.

Each asks for another script, so that none comes from a cache. What comes back is for the judge, who
reads the service's metrics; this only sees to it that there is something to judge.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spark_app.commands.client import Asker, ServiceError, prompt
from spark_app.commands.report import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Load", "judge", "traffic"]

IN_FLIGHT = 32
"""Requests at once to one service; one that finds no place waits for it."""
PATIENCE = 60.0
"""Seconds for one answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """For each service: at most `requests`, `rate` a second, none begun after `seconds`."""

    requests: int
    rate: float
    seconds: float = 10_800.0


async def traffic(
    urls: Sequence[str], load: Load, *, clock: Callable[[], float] = time.monotonic
) -> list[Check]:
    """Send each service its requests at their times, and tell what came back: a check for each."""
    return list(
        await asyncio.gather(*(_send(url, load, clock, alone=len(urls) == 1) for url in urls))
    )


async def _send(url: str, load: Load, clock: Callable[[], float], *, alone: bool) -> Check:
    asker = Asker(url, "traffic")
    answers: Counter[str] = Counter()
    words: list[str] = []
    places = asyncio.Semaphore(IN_FLIGHT)
    began = clock()

    async def ask() -> None:
        try:
            await asker.post("/api/spark/generate", {"prompt": prompt()}, PATIENCE)
            answers["2xx"] += 1
        except ServiceError as error:
            answers[f"{error.status // 100}xx" if error.status else "none"] += 1
            words.append(str(error))
        finally:
            places.release()

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(load.requests):
                due = began + number / load.rate
                if max(due, clock()) - began >= load.seconds:
                    break
                await asyncio.sleep(max(0.0, due - clock()))
                await places.acquire()
                group.create_task(ask())
    finally:
        await asker.close()
    check = judge(load.requests, answers, words, clock() - began)
    return check if alone else replace(check, detail=f"{urlsplit(url).hostname}: {check.detail}")


def judge(wanted: int, answers: Counter[str], words: list[str], seconds: float) -> Check:
    """The check `traffic`: 5xx are the judge's, but what a client did wrong is no evidence."""
    sent = answers.total()
    counts = ", ".join(f"{answers[kind]} {kind}" for kind in ("2xx", "5xx", "4xx", "none"))
    detail = f"{sent} of {wanted} requests: {counts}"
    usable = answers["2xx"] + answers["5xx"]
    if not usable:
        return Check("traffic", "fail", f"{detail}; {(words or ['none sent'])[0]}", seconds)
    if usable < wanted:
        why = next(iter(words), "the time was over")
        return Check("traffic", "warn", f"{detail}; {why}", seconds)
    return Check("traffic", "pass", detail, seconds)
