"""Following the resource's status and the users' results while the story goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.demo.errors import DemoError
from dev.demo.manifests import proxied, watched
from dev.demo.story import decisions, standing, tag, tell
from dev.kubectl import Kubectl, KubectlError
from dev.users.results import PAGE, Result, account, parse
from spark_operator.api.status.status import LedgerEntry, SparkDeploymentStatus

if TYPE_CHECKING:
    from dev.demo.teller import Teller

WATCH_SECONDS = 300
RETRY_SECONDS = 1.0
POLL_SECONDS = 2.0
AFTERWARDS = 2
"""Users' requests per second once the story is told, so that there is something to look at."""
TELL_SECONDS, TELL_FAILURES_SECONDS = 10.0, 4.0

Predicate = Callable[[SparkDeploymentStatus], bool]


@dataclass
class Rollout:
    """The resource as last seen, with all decisions and releases seen so far.

    ``labels`` maps release hashes to what people call them, in the order of appearance.
    """

    kubectl: Kubectl
    teller: Teller
    status: SparkDeploymentStatus | None = None
    ledger: list[LedgerEntry] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def labels(self) -> dict[str, str]:
        """Name releases by their image's tag."""
        return {release: f"release {tag(image)}" for release, image in self.images.items()}

    def release_of(self, image: str) -> str:
        """Return the hash of the release that runs ``image``; '' if it was never seen."""
        return next((name for name, found in self.images.items() if found == image), "")

    async def follow(self) -> None:
        """Watch the resource for ever, telling what changes; survives lost watches."""
        while True:
            with contextlib.suppress(KubectlError, json.JSONDecodeError):
                async for event in self.kubectl.watch(watched(WATCH_SECONDS)):
                    if event.get("type") in {"ADDED", "MODIFIED"}:
                        await self.see(event["object"])
            await asyncio.sleep(RETRY_SECONDS)

    async def see(self, body: dict[str, Any]) -> None:
        """Take in the resource as the API server gives it."""
        after = SparkDeploymentStatus.model_validate(body.get("status") or {})
        before = self.status or SparkDeploymentStatus()
        for role in (after.stable, after.candidate):
            if role is not None:
                self.images.setdefault(role.release, role.image)
        self.ledger += decisions(before, after)
        self.teller.lines(standing(after), tell(before, after))
        async with self._changed:
            self.status = after
            self._changed.notify_all()

    async def until(self, what: str, reached: Predicate, *, seconds: float) -> None:
        """Wait until the status is as wanted; raises DemoError when that takes too long."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.status and reached(self.status))
        except TimeoutError:
            raise DemoError(
                f"{what} did not happen within {seconds:.0f} s: kubectl describe above and the"
                " operator's log say why"
            ) from None


@dataclass
class Users:
    """The users' results so far; ``unsent`` are requests that the users could not send in time."""

    kubectl: Kubectl
    teller: Teller
    labels: Callable[[], dict[str, str]]
    results: list[Result] = field(default_factory=list)
    unsent: int = 0
    _told: int = 0
    _told_at: float = 0.0

    async def follow(self) -> None:
        """Fetch new results every two seconds, telling about them now and then."""
        while True:
            with contextlib.suppress(KubectlError):
                await self.fetch()
            self._tell()
            await asyncio.sleep(POLL_SECONDS)

    async def fetch(self) -> None:
        """Fetch all results that are new; raises KubectlError."""
        page = PAGE
        while page == PAGE:
            since = self.results[-1].seq if self.results else 0
            text = await self.kubectl.raw(proxied("users", f"/results?since={since}"))
            new = [parse(line) for line in text.splitlines()]
            self.results += new
            page = len(new)

    async def settle(self) -> None:
        """Calm the users down, fetch the last results and what they could not send.

        Raises KubectlError.
        """
        await self.kubectl.post(proxied("users", "/control"), {"rate": AFTERWARDS})
        await self.fetch()
        summary = json.loads(await self.kubectl.raw(proxied("users", "/summary")))
        self.unsent = int(summary["unsent"])

    def _tell(self) -> None:
        new = self.results[self._told :]
        failed = any(result.failed for result in new)
        now = time.monotonic()
        pause = TELL_FAILURES_SECONDS if failed else TELL_SECONDS
        if not new or now - self._told_at < pause:
            return
        self.teller.users(digest(new, self.labels()))
        self._told, self._told_at = len(self.results), now


def digest(results: list[Result], labels: dict[str, str]) -> str:
    """Sum results up in one line: requests, shares by release, errors and p95."""
    every = account(results)
    shares = []
    for release in dict.fromkeys(sorted(result.release for result in results)):
        mine = account(result for result in results if result.release == release)
        failed = f", {mine.errors} failed" if mine.errors else ""
        share = 100 * mine.requests / every.requests
        name = labels.get(release, release or "no release named")
        shares.append(f"{name}: {share:.0f}%{failed}")
    return f"{every.requests} requests, p95 {every.p95:.2f} s; {'; '.join(shares)}"
