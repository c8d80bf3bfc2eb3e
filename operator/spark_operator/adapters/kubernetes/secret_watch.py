"""Watches the metadata of Secrets, never their contents.

The API server is asked for ``PartialObjectMetadata``, so no value ever reaches this process.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ on metadata-only fetches, and
on bookmarks and expired versions of a watch.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlencode

from spark_operator.core.observe.secret_metadata import SecretData, describe
from spark_operator.ports.cluster import ClusterError, GoneError, Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from spark_operator.core.model.objects import Manifest

PAGE: Final = 500
SERVER_SECONDS: Final = 300
UNRELATED: Final = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Kinds of Secrets of which a cluster may have very many, and that no service reads."""
FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 30.0

log = logging.getLogger(__name__)


class MetadataReader(Protocol):
    """Reads objects' metadata."""

    async def metadata(self, path: str) -> Manifest:
        """One page of a list."""

    def metadata_events(self, path: str) -> AsyncIterator[Manifest]:
        """The events of a watch until the server ends it."""


class SecretWatch:
    """The ``Secrets`` port."""

    def __init__(
        self, reader: MetadataReader, wake: Callable[[Key], None], namespaces: tuple[str, ...]
    ) -> None:
        """``wake`` is told a resource that follows a Secret which changed; no namespaces: all."""
        self._reader = reader
        self._wake = wake
        self._scopes = namespaces or ("",)
        self._known: dict[tuple[str, str], SecretData] = {}
        self._synced: set[str] = set()
        self._followed: dict[Key, frozenset[str]] = {}

    def follow(self, key: Key, names: frozenset[str]) -> Mapping[str, SecretData] | None:
        """See ``Secrets.follow``."""
        self._followed[key] = names
        if not self._synced & {"", key.namespace}:
            return None
        found = {name: self._known.get((key.namespace, name)) for name in names}
        return {name: data for name, data in found.items() if data is not None}

    def forget(self, key: Key) -> None:
        """See ``Secrets.forget``."""
        self._followed.pop(key, None)

    async def run(self) -> None:
        """Watch until cancelled, whatever happens."""
        async with asyncio.TaskGroup() as group:
            for scope in self._scopes:
                group.create_task(self._keep(scope), name=f"watch secrets {scope}")

    async def _keep(self, scope: str) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                version = await self._list(scope)
                while True:
                    again = asyncio.get_running_loop().time() + FIRST_DELAY
                    version = await self._watch(scope, version)
                    delay = FIRST_DELAY
                    # One that ends at once is as good as one that fails.
                    await asyncio.sleep(again - asyncio.get_running_loop().time())
            except GoneError:
                log.debug("secrets are listed anew: the version that was watched has expired")
            except ClusterError as error:
                log.warning("changes of secrets are not noticed for now: %s", error)
            except Exception:
                log.exception("the API server's answer about secrets is not understood")
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _list(self, scope: str) -> str:
        """Take in everything there is: the version it is of."""
        found: dict[tuple[str, str], SecretData] = {}
        query = {"limit": str(PAGE), "fieldSelector": UNRELATED}
        while True:
            page = await self._reader.metadata(f"{_path(scope)}?{urlencode(query)}")
            for item in page.get("items") or []:
                meta = item["metadata"]
                found[meta["namespace"], meta["name"]] = describe(meta)
            query["continue"] = page["metadata"].get("continue") or ""
            if not query["continue"]:
                break
        gone = [it for it in self._known if it not in found and scope in ("", it[0])]
        first = scope not in self._synced
        self._synced.add(scope)
        for identity in gone:
            self._take(identity, None)
        for identity, data in found.items():
            self._take(identity, data)
        if first:
            self._wake_all(scope)
        return str(page["metadata"]["resourceVersion"])

    async def _watch(self, scope: str, version: str) -> str:
        """Take in changes until the server ends the watch: the last version seen."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "fieldSelector": UNRELATED,
            "resourceVersion": version,
            "timeoutSeconds": str(SERVER_SECONDS),
        }
        async for event in self._reader.metadata_events(f"{_path(scope)}?{urlencode(query)}"):
            verb, meta = event["type"], event["object"].get("metadata") or {}
            if verb == "ERROR":
                raise GoneError(str(event["object"].get("message", "the watch has ended")))
            version = str(meta["resourceVersion"])
            if verb != "BOOKMARK":
                data = None if verb == "DELETED" else describe(meta)
                self._take((meta["namespace"], meta["name"]), data)
        return version

    def _take(self, identity: tuple[str, str], data: SecretData | None) -> None:
        before = self._known.pop(identity, None)
        if data is not None:
            self._known[identity] = data
        if before is None or data is None or not before.says_the_same_as(data):
            namespace, name = identity
            for key, names in tuple(self._followed.items()):
                if key.namespace == namespace and name in names:
                    self._wake(key)

    def _wake_all(self, scope: str) -> None:
        for key in tuple(self._followed):
            if scope in ("", key.namespace):
                self._wake(key)


def _path(scope: str) -> str:
    return f"/api/v1/namespaces/{scope}/secrets" if scope else "/api/v1/secrets"
