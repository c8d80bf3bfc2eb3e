"""Follows the children of all resources: each is read whole once, then only what has changed.

At a start the children of all resources are listed kind by kind, in pages: a few requests where
each resource's own lists would be ten.  What was listed serves a resource's first reconcile, unless
something of it has changed since.  From then on only metadata is watched: a change wakes the
resource, which then is read.  A list anew, after an outage or by time, is compared with the
versions that are known, and wakes only what differs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import zlib
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from spark_operator.adapters.kubernetes.client import Listed
from spark_operator.adapters.kubernetes.reflector import MetadataReader, Reflector
from spark_operator.core.model.labels import JOB_OF_LABEL, OWNER_LABEL
from spark_operator.core.model.objects import CHILD_KINDS, POD, ChildKind
from spark_operator.ports.cluster import ClusterError, Key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from spark_operator.core.model.objects import Manifest

AGAIN_SECONDS: Final = 600.0
"""How often all is listed anew, as metadata, should a change have been lost."""
PAGE: Final = 250
"""Whole objects in one answer: about a MiB."""
FRESH_SECONDS: Final = 60.0
"""How long what was listed at the start may serve; then a resource is read by itself."""
UNWATCHED: Final = frozenset({"ControllerRevision"})
"""Written once and never changed: the operator may not watch them, and need not."""
PODS: Final = "Pod"
JOB_PODS: Final = "Pod of a Job"

log = logging.getLogger(__name__)


class Followed(NamedTuple):
    """One kind as it is followed."""

    name: str
    kind: ChildKind
    label: str

    def path(self, scope: str) -> str:
        """Return the collection in a namespace, or in all where ``scope`` is empty."""
        path = self.kind.path(scope)
        return path if scope else path.replace("/namespaces/", "")


FOLLOWED: Final = (
    *(Followed(name, kind, OWNER_LABEL) for name, kind in CHILD_KINDS.items()),
    Followed(PODS, POD, OWNER_LABEL),
    Followed(JOB_PODS, POD, JOB_OF_LABEL),
)


WATCHED: Final = tuple(
    it.kind for it in FOLLOWED if it.name not in UNWATCHED and it.label == OWNER_LABEL
)
"""Kinds whose changes wake the resource that their label names."""


class ChildWatch:
    """Wakes resources whose children change, and gives what was listed of them at the start.

    Args:
        reader: reads metadata.
        get: reads one object or list by path.
        wake: is told a resource of which something has changed.
        namespaces: which to follow; none: all.
    """

    def __init__(
        self,
        reader: MetadataReader,
        get: Callable[[str], Awaitable[Manifest | None]],
        wake: Callable[[Key], None],
        namespaces: tuple[str, ...],
    ) -> None:
        self._reader = reader
        self._get = get
        self._wake = wake
        self._scopes = namespaces or ("",)
        self._listed: dict[Key, dict[str, list[bytes]]] = {}
        self._listed_at = 0.0
        self._changed: set[Key] = set()
        self._later: set[Key] = set()
        self._unlisted = len(self._scopes) * len(FOLLOWED)
        self.is_listed = asyncio.Event()
        """Set once the first listing is over, whatever came of it."""

    def take(self, key: Key) -> Listed | None:
        """Return what was listed of a resource, once; None where it must be read by itself."""
        if not self.is_listed.is_set():
            return None
        parts = self._listed.pop(key, None)
        if _now() - self._listed_at > FRESH_SECONDS:
            self._listed.clear()
            return None
        return _unpack(parts) if parts is not None else None

    def wake_when_listed(self, key: Key) -> None:
        """Wake a resource that can wait for what is listed of all."""
        if self.is_listed.is_set():
            self._wake(key)
        else:
            self._later.add(key)

    async def run(self) -> None:
        """List everything once, and follow it until cancelled."""
        async with asyncio.TaskGroup() as group:
            for scope in self._scopes:
                for followed in FOLLOWED:
                    name = f"watch {followed.name} {scope}"
                    group.create_task(self._follow(followed, scope), name=name)

    async def _follow(self, followed: Followed, scope: str) -> None:
        known = Versions(self._touch, followed.label)
        version = await self._first(followed, scope, known)
        if followed.name == JOB_PODS:
            return
        await Reflector(
            self._reader,
            followed.path(scope),
            {"labelSelector": followed.label},
            known,
            again=AGAIN_SECONDS,
            watched=followed.name not in UNWATCHED,
        ).run(version)

    async def _first(self, followed: Followed, scope: str, known: Versions) -> str:
        """List one kind whole: the version of the list; empty where it cannot be had."""
        version = ""
        try:
            version = await self._list(followed, scope, known)
        except ClusterError as error:
            log.warning("%s are not listed together: %s", followed.kind.plural, error)
            # A resource's first reconcile would miss some of its children.
            self._listed_at = float("-inf")
        self._unlisted -= 1
        if not self._unlisted:
            for key in self._changed:
                self._listed.pop(key, None)
            self._changed.clear()
            self.is_listed.set()
            for key in self._later:
                self._wake(key)
            self._later.clear()
        return version

    async def _list(self, followed: Followed, scope: str, known: Versions) -> str:
        query = {"labelSelector": followed.label, "limit": str(PAGE)}
        while True:
            page = await self._get(f"{followed.path(scope)}?{urlencode(query)}") or {}
            for item in page.get("items") or []:
                key = known.learn(item["metadata"])
                parts = self._listed.setdefault(key, {})
                parts.setdefault(followed.name, []).append(_pack(item))
            meta = page.get("metadata") or {}
            query["continue"] = meta.get("continue") or ""
            if not query["continue"]:
                self._listed_at = max(self._listed_at, _now()) if self._listed_at >= 0 else -inf
                return str(meta.get("resourceVersion", ""))

    def _touch(self, key: Key) -> None:
        if self.is_listed.is_set():
            self._listed.pop(key, None)
        else:
            self._changed.add(key)
        self._wake(key)


class Versions:
    """The versions of one kind's objects, and whose they are."""

    def __init__(self, touch: Callable[[Key], None], label: str) -> None:
        """``touch`` is told a resource whose object has changed; ``label`` names the resource."""
        self._touch = touch
        self._label = label
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def learn(self, metadata: Manifest) -> Key:
        """Remember an object that is taken in otherwise: whose it is."""
        identity, seen = self._seen(metadata)
        self._known[identity] = seen
        return Key(identity[0], seen[1])

    def view(self, metadata: Manifest) -> Manifest:
        """See ``Sink.view``."""
        return metadata

    def replace(self, found: list[Manifest]) -> None:
        """See ``Sink.replace``: touches those of which something differs."""
        before, self._known = self._known, dict(map(self._seen, found))
        differing = {
            Key(identity[0], seen[1])
            for identity, seen in {*before.items()} ^ {*self._known.items()}
        }
        for key in differing:
            self._touch(key)

    def change(self, verb: str, metadata: Manifest) -> None:
        """See ``Sink.change``."""
        identity, seen = self._seen(metadata)
        before = self._known.get(identity)
        if verb == "DELETED":
            self._known.pop(identity, None)
        elif before == seen:
            return
        else:
            self._known[identity] = seen
        for name in {seen[1], (before or seen)[1]} - {""}:
            self._touch(Key(identity[0], name))

    def _seen(self, metadata: Manifest) -> tuple[tuple[str, str], tuple[str, str]]:
        owner = (metadata.get("labels") or {}).get(self._label, "")
        identity = (metadata["namespace"], metadata["name"])
        return identity, (metadata["resourceVersion"], sys.intern(owner))


def _pack(item: Manifest) -> bytes:
    return zlib.compress(json.dumps(item, separators=(",", ":")).encode(), level=1)


def _unpack(parts: Mapping[str, list[bytes]]) -> Listed:
    def items(name: str) -> list[Manifest]:
        return [json.loads(zlib.decompress(packed)) for packed in parts.get(name, ())]

    return Listed(
        tuple(
            {"apiVersion": kind.api_version, "kind": name, **item}
            for name, kind in CHILD_KINDS.items()
            for item in items(name)
        ),
        tuple(items(PODS)),
        tuple(items(JOB_PODS)),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
