"""The API server, through the official client as transport: JSON values in, JSON values out."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from spark_operator.adapters.kubernetes.responses import (
    classify,
    explained,
    explanation,
    retry_after,
    whole,
)
from spark_operator.api.base import API_VERSION, PLURAL
from spark_operator.concurrency.turnstile import Turnstile
from spark_operator.core.model.labels import (
    JOB_OF_LABEL,
    JOBS_SUFFIX,
    LIVE_SUFFIX,
    MANAGER,
    OWNER_LABEL,
    child_name,
)
from spark_operator.core.model.objects import CHILD_KINDS, POD, ChildKind, Ref, is_owned_by, ref
from spark_operator.core.observe.snapshot import Snapshot
from spark_operator.ports.cluster import ConflictError, GoneError, Key, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubernetes.aio.client import ApiClient

    from spark_operator.adapters.kubernetes.events import Publisher
    from spark_operator.core.apply.diff import Delete
    from spark_operator.core.apply.volume_refresh import Touch
    from spark_operator.core.model.event import Event
    from spark_operator.core.model.objects import Manifest

RESOURCE: Final = ChildKind(API_VERSION, PLURAL)
APPLY: Final = "application/apply-patch+yaml"
JSON: Final = "application/json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
WRITING, READING = range(2)
AT_ONCE: Final = (64, 48)
"""Requests at once, by what they are for: reads leave places, so that no write waits for them."""
MOST_TRIES: Final = 5
"""How often a request is sent again that the API server refuses for its load."""
LONGEST_WAIT: Final = 10.0
"""Longest time in seconds for which it is believed to be so."""
FIXED_CHILDREN: Final = (
    ("Service", ""),
    ("Service", "-stable"),
    ("Service", "-candidate"),
    ("ServiceAccount", ""),
    ("ConfigMap", LIVE_SUFFIX),
    ("NetworkPolicy", ""),
    ("PodDisruptionBudget", ""),
)
"""Children whose names do not carry a hash, so that somebody else's object may be in the way."""


class Listed(NamedTuple):
    """What was listed of one resource: children as a reconcile wants them, and pods."""

    children: tuple[Manifest, ...]
    pods: tuple[Manifest, ...]
    job_pods: tuple[Manifest, ...]


class KubeCluster:
    """The ``Cluster`` port on a real API server."""

    def __init__(
        self,
        client: ApiClient,
        recorder: Publisher,
        *,
        request_seconds: float,
        leads: Callable[[], bool] = lambda: True,
        listed: Callable[[Key], Listed | None] = lambda _: None,
    ) -> None:
        """Make a port on a client.

        Args:
            client: the connection.
            recorder: tells events.
            request_seconds: longest time of one request, from its sending.
            leads: asked before every write to children or status.
            listed: gives what was listed of a resource beforehand; None: nothing that still holds.
        """
        self._leads = leads
        self._listed = listed
        self._client = client
        self._recorder = recorder
        self._seconds = request_seconds
        self._gate = Turnstile(AT_ONCE)

    async def read(self, key: Key) -> Snapshot | None:
        """See ``Cluster.read``."""
        resource = await self.get(RESOURCE.path(key.namespace, key.name))
        if resource is None:
            return None
        listed = self._listed(key) or await self._lists(key, resource)
        hidden, foreign = await self._unlisted(key, listed.children, resource)
        return Snapshot(
            resource, (*listed.children, *hidden), listed.pods, foreign, listed.job_pods
        )

    async def _lists(self, key: Key, resource: Manifest) -> Listed:
        """List what is labelled as a resource's own."""
        has_jobs = bool((resource.get("status") or {}).get("jobs"))
        *lists, pods, job_pods = await asyncio.gather(
            *(self._list(kind, key) for kind in CHILD_KINDS.values()),
            self._list(POD, key),
            self._list(POD, key, JOB_OF_LABEL) if has_jobs else _nothing(),
        )
        children = tuple(
            {"apiVersion": kind.api_version, "kind": name, **item}
            for (name, kind), items in zip(CHILD_KINDS.items(), lists, strict=True)
            for item in items
        )
        return Listed(children, tuple(pods), tuple(job_pods))

    async def _list(self, kind: ChildKind, key: Key, label: str = OWNER_LABEL) -> list[Manifest]:
        query = urlencode({"labelSelector": f"{label}={key.name}"})
        answer = await self.get(f"{kind.path(key.namespace)}?{query}")
        items: list[Manifest] = (answer or {}).get("items") or []
        return items

    async def _unlisted(
        self, key: Key, listed: tuple[Manifest, ...], resource: Manifest
    ) -> tuple[tuple[Manifest, ...], tuple[Ref, ...]]:
        """Return children that lost their label, and others' objects under children's names."""
        uid = resource["metadata"]["uid"]
        owned = {ref(item) for item in listed if is_owned_by(item, uid)}
        absent = [name for name in _names(key.name, resource) if name not in owned]
        found = await asyncio.gather(
            *(self.get(CHILD_KINDS[it.kind].path(key.namespace, it.name)) for it in absent)
        )
        there = [(it, item) for it, item in zip(absent, found, strict=True) if item is not None]
        return (
            tuple(item for _, item in there if is_owned_by(item, uid)),
            tuple(it for it, item in there if not is_owned_by(item, uid)),
        )

    def _must_lead(self) -> None:
        if not self._leads():
            raise UnavailableError("this process does not lead any more: nothing is written")

    async def write_status(self, resource: Manifest) -> Manifest:
        """See ``Cluster.write_status``: a PUT, which compares resourceVersion and swaps."""
        self._must_lead()
        meta = resource["metadata"]
        path = f"{RESOURCE.path(meta['namespace'], meta['name'])}/status"
        return await self.request("PUT", f"{path}?{urlencode({'fieldManager': MANAGER})}", resource)

    async def create(self, manifest: Manifest) -> None:
        """See ``Cluster.create``."""
        self._must_lead()
        path = CHILD_KINDS[manifest["kind"]].path(manifest["metadata"]["namespace"])
        try:
            await self.request("POST", f"{path}?{urlencode({'fieldManager': MANAGER})}", manifest)
        except ConflictError:
            return

    async def apply(self, manifest: Manifest) -> None:
        """See ``Cluster.apply``."""
        self._must_lead()
        meta = manifest["metadata"]
        path = CHILD_KINDS[manifest["kind"]].path(meta["namespace"], meta["name"])
        query = urlencode({"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"})
        await self.request("PATCH", f"{path}?{query}", manifest, content_type=APPLY)

    async def strip(self, patch: Manifest) -> None:
        """See ``Cluster.strip``: a strategic merge patch, in which null removes a member."""
        self._must_lead()
        meta = patch["metadata"]
        path = CHILD_KINDS[patch["kind"]].path(meta["namespace"], meta["name"])
        query = urlencode({"fieldManager": MANAGER})
        await self.request("PATCH", f"{path}?{query}", patch, content_type=STRATEGIC)

    async def annotate(self, namespace: str, touch: Touch) -> None:
        """See ``Cluster.annotate``."""
        self._must_lead()
        meta = {"annotations": dict(touch.annotations)}
        path = f"{POD.path(namespace, touch.pod)}?{urlencode({'fieldManager': MANAGER})}"
        try:
            await self.request("PATCH", path, {"metadata": meta}, content_type=MERGE)
        except GoneError:
            return

    async def delete(self, namespace: str, deletion: Delete) -> None:
        """See ``Cluster.delete``."""
        self._must_lead()
        path = CHILD_KINDS[deletion.ref.kind].path(namespace, deletion.ref.name)
        seen = {"uid": deletion.uid, "resourceVersion": deletion.version}
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {key: value for key, value in seen.items() if value is not None},
        }
        try:
            await self.request("DELETE", path, body)
        except (GoneError, ConflictError):
            return

    async def publish(self, resource: Manifest, event: Event) -> None:
        """See ``Cluster.publish``."""
        await self._recorder.publish(self, resource, event)

    async def get(self, path: str) -> Manifest | None:
        """Return one object or list by path and query, or None where there is none."""
        try:
            return await self.request("GET", path)
        except GoneError:
            return None

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
    ) -> Manifest:
        """Send one request; each sending is bounded in time, which begins when it is sent.

        One that the API server refuses for its load is sent again when it says so.

        Raises:
            ClusterError: one of its subclasses, by what the API server answered.
        """
        tries = 0
        while True:
            async with self._gate.through(READING if method == "GET" else WRITING):
                status, wait, text = await self._send(method, path, body, content_type)
            if status != 429 or wait is None or tries == MOST_TRIES:
                break
            tries += 1
            # No connection is held meanwhile.
            await asyncio.sleep(min(wait, LONGEST_WAIT))
        if status >= 400:
            raise classify(status, *explanation(method, path, text))
        with explained(method, path):
            result: Manifest = json.loads(text)
            return result

    async def _send(
        self, method: str, path: str, body: Any, content_type: str
    ) -> tuple[int, float | None, bytes]:
        """Send a request once: status, for how long it shall not be repeated (s), and answer."""
        headers = {"Accept": JSON, "Content-Type": content_type}
        with explained(method, path):
            async with asyncio.timeout(self._seconds):
                verb, url, sent, payload, form = await self._client.param_serialize(
                    method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
                )
                answer = await self._client.call_api(
                    verb, url, sent, payload, form, _request_timeout=self._seconds
                )
                wait = retry_after(answer.response) if answer.status == 429 else None
                return answer.status, wait, await whole(answer.response)


async def _nothing() -> list[Manifest]:
    return []


def _names(name: str, resource: Manifest) -> list[Ref]:
    """Return the names under which a resource's children are, whatever their labels say."""
    status = resource.get("status") or {}
    roles = [status.get(role) or {} for role in ("stable", "candidate", "previous")]
    isolated = (resource.get("spec") or {}).get("isolated")
    return [
        *(Ref(kind, f"{name}{suffix}") for kind, suffix in FIXED_CHILDREN),
        *([Ref("NetworkPolicy", f"{name}{JOBS_SUFFIX}")] if isolated else []),
        *(Ref("Deployment", child_name(name, role["release"])) for role in roles if role),
    ]
