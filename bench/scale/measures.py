"""What is measured at one number of resources: start, rest, and many rollouts at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench.scale.processes import RigError
from bench.scale.watched import DROPPED, LOST

if TYPE_CHECKING:
    from bench.scale.cluster import Cluster
    from bench.scale.fleet import Fleet, Track
    from bench.scale.watched import Watched

START_SECONDS: Final = 90.0
"""How long each process has for its start."""
ATTEMPTS: Final = 3
ROLLOUT_SECONDS: Final = 180.0
TICK_SECONDS: Final = 1.0
"""How often a release on trial is looked at."""
BATCH: Final = 25
GROW_SECONDS: Final = 120.0
HARMLESS: Final = "trial-good"
HARMFUL: Final = "trial-faulty"


@dataclass
class Start:
    """How a start went.

    Attributes:
        seconds: from the process' start until every resource was reconciled; None: never.
        attempts: processes that it took; an operator that loses its Lease ends and is started anew.
        lost: how often the Lease was lost.
        processor: seconds of it, by the last process.
        requests: to the API server, by all of them.
        peak: most memory of the last process, MiB.
    """

    seconds: float | None
    attempts: int
    lost: int
    processor: float
    requests: int
    peak: float


@dataclass
class Rest:
    """What a second costs while nothing happens: shares of a core, MiB, and rates."""

    processor: float
    memory: float
    requests: float
    writes: float
    scrapes: float
    asked: dict[str, int]


@dataclass
class Rollouts:
    """Many rollouts at once, half of them of releases that fail half of their requests.

    Attributes:
        finished: those that came to an end in time.
        out: faulty releases that were rolled back.
        harmed: healthy releases that were rolled back.
        late_p50, late_p99, late_most: how much later than a second after the look before a pod on
            trial was looked at, seconds.
        unread: trials of which no pod was ever read.
        exposure_p50, exposure_p99: for how long a faulty release had traffic, seconds.
        processor: share of a core of the operator.
        peak: most memory, MiB.
        lost: whether the Lease was lost.
        dropped: how often events were given up.
    """

    count: int
    finished: int
    out: int
    harmed: int
    late_p50: float
    late_p99: float
    late_most: float
    unread: int
    exposure_p50: float | None
    exposure_p99: float | None
    processor: float
    peak: float
    lost: bool
    dropped: int
    requests: float
    scrapes: float


@dataclass
class Measured:
    """Everything at one number of resources."""

    resources: int
    grown: float | None = None
    """Seconds until all had their first release running; None: it was not reached."""
    start: Start | None = None
    rest: Rest | None = None
    rollouts: Rollouts | None = None
    notes: list[str] = field(default_factory=list)


async def grow(watched: Watched, fleet: Fleet, numbers: range) -> float:
    """Make resources, as many at once as ``BATCH``: the seconds until all are stable.

    Raises:
        RigError: they do not become so, however often the operator is started.
    """
    began = time.monotonic()
    for first in range(numbers.start, numbers.stop, BATCH):
        keys = await fleet.create(range(first, min(first + BATCH, numbers.stop)))
        while not all(fleet.tracks.get(key) and _rests(fleet.tracks[key]) for key in keys):
            if time.monotonic() - began > GROW_SECONDS * (1 + len(numbers) / 50):
                raise RigError(f"{fleet.counts()} after {time.monotonic() - began:.0f} s")
            if not watched.runs:
                watched.start()
            await asyncio.sleep(0.2)
    return time.monotonic() - began


async def start(watched: Watched, count: int) -> Start:
    """Start the operator on ``count`` resources that are at rest."""
    watched.stop()
    watched.audit.read()
    lost, seconds, attempts = 0, None, 0
    began = time.monotonic()
    while seconds is None and attempts < ATTEMPTS:
        attempts += 1
        watched.start()
        if await watched.until_reconciled(count, START_SECONDS) is not None:
            seconds = time.monotonic() - began
        else:
            # One that hangs says why it does only when it is made to end.
            watched.stop()
            lost += LOST in watched.said()
    weight = watched.weigh() if watched.runs else None
    return Start(
        seconds=seconds,
        attempts=attempts,
        lost=lost,
        processor=weight.processor if weight else 0.0,
        requests=watched.audit.read().requests,
        peak=weight.peak if weight else 0.0,
    )


async def rest(cluster: Cluster, watched: Watched, seconds: float) -> Rest:
    """Look on while nothing happens, for some seconds.

    Raises:
        RigError: the operator has ended.
    """
    before, scrapes = watched.weigh(), (await stats(cluster))["scrapes"]
    watched.audit.read()
    began = time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    asked, after = watched.audit.read(), watched.weigh()
    writing = sum(
        count
        for what, count in asked.by.items()
        if what.split()[0] in {"create", "update", "patch", "delete"} and "leases" not in what
    )
    return Rest(
        processor=(after.processor - before.processor) / took,
        memory=after.memory,
        requests=asked.requests / took,
        writes=writing / took,
        scrapes=((await stats(cluster))["scrapes"] - scrapes) / took,
        asked=dict(asked.by.most_common(12)),
    )


async def rollouts(cluster: Cluster, watched: Watched, fleet: Fleet, count: int) -> Rollouts:
    """Release to ``count`` resources at once, and wait for what comes of it."""
    chosen = sorted(key for key, track in fleet.tracks.items() if track.phase == "Stable")[:count]
    bad, good = chosen[::2], chosen[1::2]
    await _ask(cluster, "reset")
    watched.audit.read()
    scrapes = (await stats(cluster))["scrapes"]
    before, began = watched.weigh(), time.monotonic()
    await asyncio.gather(fleet.release(bad, HARMFUL), fleet.release(good, HARMLESS))
    after = before
    while time.monotonic() - began < ROLLOUT_SECONDS and watched.runs:
        after = watched.weigh()
        if all(_ended(fleet.tracks[key]) for key in chosen):
            break
        await asyncio.sleep(0.5)
    took, said = time.monotonic() - began, watched.said()
    found = await stats(cluster)
    late, unread = lateness(found["reads"], {key: fleet.tracks[key] for key in chosen})
    exposures = [it for key in bad if (it := fleet.tracks[key].exposure) is not None]
    return Rollouts(
        count=len(chosen),
        finished=sum(_ended(fleet.tracks[key]) for key in chosen),
        out=sum(fleet.tracks[key].phase == "RolledBack" for key in bad),
        harmed=sum(fleet.tracks[key].phase in ("RolledBack", "RollingBack") for key in good),
        late_p50=quantile(late, 0.5) or 0.0,
        late_p99=quantile(late, 0.99) or 0.0,
        late_most=max(late, default=0.0),
        unread=unread,
        exposure_p50=quantile(exposures, 0.5),
        exposure_p99=quantile(exposures, 0.99),
        processor=(after.processor - before.processor) / took,
        peak=after.peak,
        lost=LOST in said,
        dropped=said.count(DROPPED),
        requests=watched.audit.read().requests / took,
        scrapes=(found["scrapes"] - scrapes) / took,
    )


def lateness(reads: list[dict[str, Any]], tracks: dict[str, Track]) -> tuple[list[float], int]:
    """How late each look at each pod on trial was, in seconds, and the trials without any look.

    The last look is taken to be as late as the trial's end, when that was longer ago than a tick.

    Args:
        reads: of each pod its owner and when it was read.
        tracks: the resources on trial.
    """
    late: list[float] = []
    seen: set[str] = set()
    for pod in reads:
        track = tracks.get(pod["owner"])
        trial = track.trial if track else None
        if trial is None:
            continue
        during = [at for at in pod["at"] if trial[0] <= at <= trial[1]]
        if during:
            seen.add(pod["owner"])
            ends = [*during[1:], trial[1]]
            late += [
                max(0.0, later - sooner - TICK_SECONDS)
                for sooner, later in zip(during, ends, strict=True)
            ]
    tried = {key for key, track in tracks.items() if track.trial is not None}
    return late, len(tried - seen)


async def stats(cluster: Cluster) -> dict[str, Any]:
    """Return what the simulated pods were asked."""
    return await _ask(cluster, "stats")


async def _ask(cluster: Cluster, what: str) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.get(f"http://127.0.0.1:{cluster.port}/bench/{what}")
        found: dict[str, Any] = answer.json()
        return found


def quantile(values: list[float], share: float) -> float | None:
    """Return the value that a share of them does not exceed; None where there are none."""
    if len(values) < 2:
        return values[0] if values else None
    cuts = statistics.quantiles(values, n=1000, method="inclusive")
    return cuts[min(len(cuts), round(share * 1000)) - 1]


def _rests(track: Track) -> bool:
    return track.phase in ("Stable", "RolledBack")


def _ended(track: Track) -> bool:
    return track.trial is not None and _rests(track)
