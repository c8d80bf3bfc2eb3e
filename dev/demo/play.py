"""The story itself: a good release is promoted, a bad one is rolled back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.demo.errors import DemoError
from dev.demo.follow import Rollout, Users
from dev.demo.manifests import NAME, NAMESPACE, STEP_SECONDS, STEPS, base, spark, users
from dev.demo.view import Chapter
from dev.kubectl import KubectlError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from dev.demo.summary import Marks
    from dev.demo.teller import Teller
    from dev.kubectl import Kubectl
    from spark_operator.api.status.status import SparkDeploymentStatus

ALONE_SECONDS = 4.0
"""Time of release 1 alone."""
QUIET_SECONDS = 11.0
"""Time after a decision: longer than a connection lives, so that all users have felt it."""
AVAILABLE_SECONDS = 120.0
PROMOTED_SECONDS = 60.0 + len(STEPS) * (STEP_SECONDS + 60.0)
ROLLED_BACK_SECONDS = 120.0
READY_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Images:
    """The images of the story: three releases, and the tools around them."""

    first: str
    good: str
    bad: str
    tools: str


class Play:
    """Plays the story in a cluster that has the operator; ``marks`` fill up as it goes."""

    def __init__(self, kubectl: Kubectl, teller: Teller, images: Images, marks: Marks) -> None:
        self._kubectl = kubectl
        self._teller = teller
        self._images = images
        self.marks = marks
        self.rollout = Rollout(kubectl, teller)
        self.users = Users(kubectl, teller, lambda: self.rollout.labels)

    async def stage(self) -> None:
        """Make the namespace anew, with the providers and a key; raises KubectlError."""
        # The namespace controller waits long for what it meets in the namespace: take it out first
        with contextlib.suppress(KubectlError):
            await self._kubectl.run(
                "delete", "sdep", NAME, f"--namespace={NAMESPACE}", "--cascade=foreground",
                seconds=90,
            )  # fmt: skip
        await self._kubectl.run(
            "delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait", seconds=150
        )
        await self._kubectl.apply(base(self._images.tools))

    async def play(self) -> None:
        """Play all chapters; raises DemoError or KubectlError where the story goes wrong."""
        async with _beside(self.rollout.follow()):
            await self._first()
            try:
                async with _beside(self.users.follow()):
                    await self._releases()
            except DemoError:
                # Why the story failed matters more than the users' last words
                with contextlib.suppress(KubectlError):
                    await self.users.settle()
                raise
            self.marks.ended = time.time()
            await self.users.settle()

    def chapters(self) -> list[Chapter]:
        """Return the stretches that the story had so far, for the users' view."""
        marks = self.marks
        names = (
            ("release 1 alone", marks.available),
            ("release 2 on trial", marks.good_applied),
            ("release 2 alone", marks.promoted),
            ("release 3 on trial", marks.bad_applied),
            ("after the rollback", marks.rolled_back),
        )
        begun = [(name, start) for name, start in names if start is not None]
        ends = [*(start for _, start in begun), marks.ended or time.time()][1:]
        return [Chapter(name, start, end) for (name, start), end in zip(begun, ends, strict=True)]

    async def _releases(self) -> None:
        await asyncio.sleep(ALONE_SECONDS)
        await self._good()
        await asyncio.sleep(QUIET_SECONDS)
        await self._bad()
        await asyncio.sleep(QUIET_SECONDS)

    async def _first(self) -> None:
        self._teller.chapter(f"Release 1: the first install of {self._images.first}")
        await self._kubectl.apply([spark(self._images.first)])
        await self.rollout.until("release 1 available", _available, seconds=AVAILABLE_SECONDS)
        self.marks.available = time.time()
        await self._ready("providers")
        await self._kubectl.apply(users(self._images.tools))
        await self._ready("users")

    async def _good(self) -> None:
        image = self._images.good
        self._teller.chapter(f"Release 2: {image} is applied, and it is good")
        self.marks.good_applied = time.time()
        await self._kubectl.apply([spark(image)])

        def decided(status: SparkDeploymentStatus) -> bool:
            return _stable(status, image) or _failed(status, image)

        await self.rollout.until("the promotion of release 2", decided, seconds=PROMOTED_SECONDS)
        self.marks.promoted = time.time()
        if not _stable(self.rollout.status, image):
            self.marks.promoted = None
            raise DemoError(f"release 2 is good and was not promoted: {_why(self.rollout.status)}")

    async def _bad(self) -> None:
        image = self._images.bad
        self._teller.chapter(f"Release 3: {image} is applied; 40% of its generate calls fail")
        self.marks.bad_applied = time.time()
        await self._kubectl.apply([spark(image)])

        def decided(status: SparkDeploymentStatus) -> bool:
            return _stable(status, image) or _failed(status, image)

        await self.rollout.until("the rollback of release 3", decided, seconds=ROLLED_BACK_SECONDS)
        self.marks.rolled_back = time.time()
        failure = self.rollout.status.failure if self.rollout.status else None
        if failure is None or failure.outcome != "Failed":
            self.marks.rolled_back = None
            raise DemoError(f"release 3 is bad and did not fail: {_why(self.rollout.status)}")

    async def _ready(self, deployment: str) -> None:
        await self._kubectl.run(
            "rollout",
            "status",
            f"deployment/{deployment}",
            f"--namespace={NAMESPACE}",
            f"--timeout={READY_SECONDS}s",
            seconds=READY_SECONDS + 10,
        )


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _available(status: SparkDeploymentStatus) -> bool:
    holds = any(c.type == "Available" and c.status == "True" for c in status.conditions)
    return holds and status.stable is not None


def _stable(status: SparkDeploymentStatus | None, image: str) -> bool:
    return bool(
        status and status.stable and status.stable.image == image and status.phase == "Stable"
    )


def _failed(status: SparkDeploymentStatus | None, image: str) -> bool:
    failure = status.failure if status else None
    return bool(status and status.phase == "RolledBack" and failure and failure.image == image)


def _why(status: SparkDeploymentStatus | None) -> str:
    failure = status.failure if status else None
    return f"{failure.outcome} ({failure.reason}): {failure.message}" if failure else "no reason"
