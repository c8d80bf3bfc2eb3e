"""One namespace on the real cluster with providers, users and a SparkDeployment in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev.demo import manifests
from dev.kubectl import Kubectl, KubectlError
from dev.users.results import PAGE, Result, parse
from spark_operator.api.status.status import SparkDeploymentStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

NAME = "spark"
TOOLS = "localhost/spark-dev:dev"
WATCH_SECONDS = 240
REQUESTED = {"requests": {"cpu": "10m", "memory": "64Mi"}}
"""What a pod reserves: the pods of several stages have to fit on one node of two processors."""

Manifest = dict[str, Any]


def image(version: str) -> str:
    """The local name of a version's image."""
    return f"localhost/spark-app:{version}"


def in_namespace(objects: list[Manifest], namespace: str) -> list[Manifest]:
    """The demo's objects moved to another namespace."""
    moved: list[Manifest] = json.loads(json.dumps(objects))
    for item in moved:
        if item["kind"] == "Namespace":
            item["metadata"]["name"] = namespace
        else:
            item["metadata"]["namespace"] = namespace
    return moved


@dataclass
class Stage:
    """What a test does to its namespace, and what it sees of it."""

    kubectl: Kubectl
    namespace: str
    spec: Manifest
    seen: list[SparkDeploymentStatus] = field(default_factory=list)

    async def open(self) -> None:
        """Make the namespace with the providers' stand-in, and wait until that answers."""
        await self.make()
        await self.rolled_out("providers")

    async def make(self) -> None:
        """Make the namespace with the providers' stand-in."""
        await self.kubectl.apply(in_namespace(manifests.base(TOOLS), self.namespace))

    async def close(self) -> None:
        """Remove the namespace and wait until it is gone: deletion never blocks it."""
        # The namespace controller looks again only after half of what draining pods may take, so
        # that they go first; what a test has deleted itself is no error
        await self.kubectl.run(
            "delete", "sdep", NAME, f"--namespace={self.namespace}", "--ignore-not-found",
            "--cascade=foreground", "--wait", seconds=120,
        )  # fmt: skip
        await self.kubectl.run("delete", "namespace", self.namespace, "--wait", seconds=240)

    async def users(self, *, rate: int = 20, most: int = 200_000) -> None:
        """Start the users, who stop for good after ``most`` requests or ten hours."""
        objects = manifests.users(TOOLS)
        arguments = objects[0]["spec"]["template"]["spec"]["containers"][0]["args"]
        arguments[arguments.index("--rate") + 1] = str(rate)
        arguments += ["--max-requests", str(most), "--max-duration", "36000"]
        await self.kubectl.apply(in_namespace(objects, self.namespace))
        await self.rolled_out("users")

    async def faults(self, **plan: Any) -> None:
        """Have the providers' stand-in fail from now on as its plan says."""
        path = f"/api/v1/namespaces/{self.namespace}/services/providers:8080/proxy/admin/faults"
        await self.kubectl.run("replace", "--raw", path, "-f", "-", stdin=json.dumps(plan))

    async def switch(self, release: str) -> None:
        """Let the fault begin in every pod of a release that breaks late."""
        for pod in await self.pods(release):
            path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}:3000"
            await self.kubectl.post(f"{path}/proxy/fault", {})

    async def rolled_out(self, deployment: str) -> None:
        """Wait until a Deployment of ours is available."""
        await self.kubectl.run(
            "rollout", "status", f"deployment/{deployment}", f"--namespace={self.namespace}",
            "--timeout=90s", seconds=100,
        )  # fmt: skip

    async def apply(self, **changes: Any) -> None:
        """Apply the SparkDeployment with members of its spec changed for good."""
        self.spec |= changes
        body = {
            "apiVersion": "spark.dev/v1alpha1",
            "kind": "SparkDeployment",
            "metadata": {"name": NAME, "namespace": self.namespace},
            "spec": self.spec,
        }
        await self.kubectl.apply([body])

    async def annotate(self, name: str, value: str) -> None:
        """Make a request by annotation."""
        await self.kubectl.run(
            "annotate", "sdep", NAME, f"--namespace={self.namespace}", "--overwrite",
            f"spark.dev/{name}={value}",
        )  # fmt: skip

    async def until(
        self, what: str, reached: Callable[[SparkDeploymentStatus], bool], *, seconds: float = 120
    ) -> SparkDeploymentStatus:
        """Watch the status until it is as wanted.

        Raises:
            AssertionError: it was not within ``seconds``; the message shows the last status.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    async for status in self._statuses():
                        self.seen.append(status)
                        if reached(status):
                            return status
        last = self.seen[-1].to_dict() if self.seen else {}
        last.pop("judge", None)
        raise AssertionError(f"{what}: not within {seconds:.0f} s; {json.dumps(last, indent=1)}")

    async def _statuses(self) -> AsyncIterator[SparkDeploymentStatus]:
        path = (
            f"/apis/spark.dev/v1alpha1/namespaces/{self.namespace}/sparkdeployments"
            f"?watch=true&timeoutSeconds={WATCH_SECONDS}&fieldSelector=metadata.name%3D{NAME}"
        )
        async for event in self.kubectl.watch(path):
            if event.get("type") in {"ADDED", "MODIFIED"}:
                status = event["object"].get("status") or {}
                yield SparkDeploymentStatus.model_validate(status)

    async def status(self) -> SparkDeploymentStatus:
        """The status as it is now."""
        body = await self.get(f"sdep/{NAME}")
        return SparkDeploymentStatus.model_validate(body.get("status") or {})

    async def get(self, what: str) -> Manifest:
        """One object as JSON."""
        text = await self.kubectl.run("get", what, f"--namespace={self.namespace}", "-o=json")
        found: Manifest = json.loads(text)
        return found

    async def pods(self, release: str) -> list[Manifest]:
        """The pods that serve a release; those of its Jobs do not."""
        return await self.listed("pods", serving(release))

    async def listed(self, kind: str, selector: str = "") -> list[Manifest]:
        """All objects of a kind, by label selector."""
        text = await self.kubectl.run(
            "get", kind, f"--namespace={self.namespace}", f"--selector={selector}", "-o=json"
        )
        items: list[Manifest] = json.loads(text)["items"]
        return items

    async def results(self, since: int = 0) -> list[Result]:
        """What users saw after result ``since``."""
        found: list[Result] = []
        while True:
            path = (
                f"/api/v1/namespaces/{self.namespace}/services/users:8080/proxy"
                f"/results?since={since}&limit={PAGE}"
            )
            page = [parse(line) for line in (await self.kubectl.raw(path)).splitlines()]
            found += page
            if len(page) < PAGE:
                return found
            since = page[-1].seq

    async def newest(self) -> int:
        """Number of the newest result, to ask for what comes after it."""
        return int((await self.control())["last"])

    async def control(self, **order: Any) -> Manifest:
        """Give the users an order, if any; their state, as ``sent``, ``unsent`` and ``last``."""
        path = f"/api/v1/namespaces/{self.namespace}/services/users:8080/proxy/control"
        state: Manifest = json.loads(await self.kubectl.post(path, order))
        return state


def spec(version: str = "1.0.0", **changes: Any) -> Manifest:
    """A spec for tests: the demo's, with short steps; thresholds and sensitivity as they are.

    Jobs have tests of their own: elsewhere they would only take their seconds.
    """
    found: Manifest = manifests.spark(image(version))["spec"]
    found |= {"preflight": {"enabled": False}, "verification": {"enabled": False}}
    found["replicas"] = 3
    found["pod"] = {"resources": REQUESTED}
    found["strategy"] = {
        "canary": {
            "steps": [{"weight": w, "minDuration": "5s"} for w in (25, 100)],
            "progressDeadline": "5m",
        }
    }
    return found | changes


def config(**extra: str) -> Mapping[str, str]:
    """The configuration that reaches the providers' stand-in, and what makes a release differ."""
    everybody = {"SPARK_ALLOW_ANONYMOUS": "true"}
    return {"ANTHROPIC_BASE_URL": "http://providers:8080", **everybody, **extra}


def serving(release: str) -> str:
    """Label selector of the pods that serve a release."""
    return f"spark.dev/deployment={NAME},spark.dev/release={release}"


def settled(status: SparkDeploymentStatus, version: str) -> bool:
    """Whether this image is stable and nothing is on trial."""
    stable = status.stable
    return bool(stable and stable.image == image(version) and status.phase == "Stable")


def condition(status: SparkDeploymentStatus, kind: str) -> str:
    """A condition as ``Status/Reason``."""
    return next((f"{c.status}/{c.reason}" for c in status.conditions if c.type == kind), "")


async def never(
    stage: Stage, happens: Callable[[SparkDeploymentStatus], bool], *, seconds: float
) -> None:
    """Watch for a while that something does not happen."""
    end = time.monotonic() + seconds
    try:
        await stage.until("what must not happen", happens, seconds=end - time.monotonic())
    except AssertionError:
        return
    raise AssertionError("it happened")


__all__ = [
    "KubectlError",
    "Stage",
    "condition",
    "config",
    "image",
    "never",
    "serving",
    "settled",
    "spec",
]
