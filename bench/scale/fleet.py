"""The rig's SparkDeployments: made, released to, and followed as a user's tools would."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench.scale.processes import RigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bench.scale.cluster import Cluster

GROUP: Final = "/apis/spark.dev/v1alpha1"
ALL: Final = f"{GROUP}/sparkdeployments"
PER_NAMESPACE: Final = 50
TOGETHER: Final = 16
"""Requests of the rig at once."""
POLL_SECONDS: Final = 0.2
AT_REST: Final = frozenset({"Stable", "RolledBack"})
ON_TRIAL: Final = "Progressing"
MERGE: Final = {"Content-Type": "application/merge-patch+json"}


@dataclass(slots=True)
class Track:
    """What was seen of one resource: its phase now, and when each phase since began."""

    phase: str = ""
    image: str = ""
    exposure: float | None = None
    """Seconds for which its last failed release had traffic, as its status says."""
    since: dict[str, float] = field(default_factory=dict)

    @property
    def trial(self) -> tuple[float, float] | None:
        """When the last trial began and ended, seconds since the epoch."""
        began = self.since.get(ON_TRIAL)
        ends = [at for at in self.since.values() if began is not None and at > began]
        return (began, min(ends)) if began is not None and ends else None


class Fleet:
    """Talks to the API server as the administrator; use it as a context manager."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._numbers = itertools.count(1)
        self._gate = asyncio.Semaphore(TOGETHER)
        self._http = httpx.AsyncClient(
            base_url=cluster.url, verify=cluster.tls, trust_env=False, timeout=30.0
        )
        self._following: asyncio.Task[None] | None = None
        self.tracks: dict[str, Track] = {}

    async def __aenter__(self) -> Fleet:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._following:
            self._following.cancel()
        await self._http.aclose()

    def counts(self) -> Counter[str]:
        """Resources by phase."""
        return Counter(track.phase for track in self.tracks.values())

    async def create(self, numbers: range) -> list[str]:
        """Make resources, each with its first release: their keys."""
        spaces = {_namespace(number) for number in numbers}
        await asyncio.gather(*(self._space(name) for name in spaces))
        await asyncio.gather(*(self._create(number) for number in numbers))
        return [_key(number) for number in numbers]

    async def release(self, keys: list[str], name: str) -> None:
        """Give resources a new release, each an image of its own; ``name`` says how it behaves."""
        await asyncio.gather(*(self._release(key, name) for key in keys))

    async def delete(self, keys: list[str]) -> None:
        """Delete resources, and wait until nothing is known of them any more."""
        await asyncio.gather(*(self._send("DELETE", _path(key)) for key in keys))
        await self.until("they are gone", lambda: not set(keys) & set(self.tracks), seconds=120.0)

    async def until(self, what: str, is_so: Callable[[], bool], *, seconds: float) -> None:
        """Wait for something that the tracks show.

        Raises:
            RigError: it was not so in time.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise RigError(f"not within {seconds:.0f} s: {what}; phases: {self.counts()}")
            await asyncio.sleep(POLL_SECONDS)

    async def _space(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await self._send("POST", "/api/v1/namespaces", body, known=(409,))

    async def _create(self, number: int) -> None:
        namespace, _, name = _key(number).partition("/")
        body = {
            "apiVersion": "spark.dev/v1alpha1",
            "kind": "SparkDeployment",
            "metadata": {"namespace": namespace, "name": name},
            "spec": self._spec(),
        }
        await self._send("POST", f"{GROUP}/namespaces/{namespace}/sparkdeployments", body)

    def _spec(self) -> dict[str, Any]:
        return {
            "image": self._image("first"),
            "replicas": 2,
            "pod": {"port": self._cluster.port},
            "secrets": {"anthropicAPIKey": {"name": "spark-providers", "key": "anthropic"}},
            # Their Jobs would need the service itself.
            "preflight": {"enabled": False},
            "verification": {"enabled": False},
            "strategy": {
                "canary": {"steps": [{"weight": 50, "minDuration": "30s"}, {"weight": 100}]}
            },
            "guard": {"duration": "0s"},
        }

    def _image(self, name: str) -> str:
        digest = hashlib.sha256(f"{name} {next(self._numbers)}".encode()).hexdigest()
        return f"registry.example/spark-{name}@sha256:{digest}"

    async def _release(self, key: str, name: str) -> None:
        patch = {"spec": {"image": self._image(name)}}
        await self._send("PATCH", _path(key), patch)

    async def _send(
        self, method: str, path: str, body: Any = None, known: tuple[int, ...] = ()
    ) -> None:
        headers = MERGE if method == "PATCH" else {}
        async with self._gate:
            answer = await self._http.request(method, path, json=body, headers=headers)
        if not answer.is_success and answer.status_code not in known:
            raise RigError(f"{method} {path}: {answer.text[:500]}")

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                found = (await self._http.get(ALL)).json()
                for item in found["items"]:
                    self._take("ADDED", item)
                async for event in self._events(found["metadata"]["resourceVersion"]):
                    self._take(event["type"], event["object"])
            await asyncio.sleep(POLL_SECONDS)

    async def _events(self, version: str) -> AsyncIterator[dict[str, Any]]:
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3000"}
        async with self._http.stream("GET", ALL, params=query, timeout=None) as answer:
            async for line in answer.aiter_lines():
                event: dict[str, Any] = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event

    def _take(self, event: str, body: dict[str, Any]) -> None:
        meta, status = body["metadata"], body.get("status") or {}
        key = f"{meta['namespace']}/{meta['name']}"
        if event == "DELETED":
            self.tracks.pop(key, None)
            return
        track = self.tracks.setdefault(key, Track())
        image, phase = body["spec"]["image"], status.get("phase", "")
        if image != track.image:
            track.image, track.phase, track.exposure = image, "", None
            track.since.clear()
        settled = status.get("observedGeneration") == meta["generation"]
        if settled and phase != track.phase:
            track.phase = phase
            track.since[phase] = time.time()
        exposure = status.get("exposure")
        if exposure and phase == "RolledBack":
            track.exposure = float(exposure.get("seconds", 0.0))


def _namespace(number: int) -> str:
    return f"fleet-{number // PER_NAMESPACE}"


def _key(number: int) -> str:
    return f"{_namespace(number)}/spark-{number}"


def _path(key: str) -> str:
    namespace, _, name = key.partition("/")
    return f"{GROUP}/namespaces/{namespace}/sparkdeployments/{name}"
