"""A watch of the metadata of Secrets, never of their contents.

The API server is asked for ``PartialObjectMetadata``, so no value ever reaches this process.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ on metadata-only fetches.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from spark_operator.adapters.kubernetes.reflector import MetadataReader, Reflector
from spark_operator.core.observe.secret_metadata import SecretData, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spark_operator.core.model.objects import Manifest
    from spark_operator.ports.cluster import Key

PAGE: Final = 40
"""Secrets of one page: even the largest that etcd stores fit into an answer that is read."""
UNRELATED: Final = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token"
"""Kinds of Secrets of which a cluster may have very many, and that no service reads."""
Identity = tuple[str, str]
"""Namespace and name of a Secret."""


class SecretWatch:
    """The ``Secrets`` port."""

    def __init__(
        self, reader: MetadataReader, wake: Callable[[Key], None], namespaces: tuple[str, ...]
    ) -> None:
        """``wake`` is told a resource that follows a Secret which changed; no namespaces: all."""
        self._reader = reader
        self._wake = wake
        self._scopes = namespaces or ("",)
        self._known: dict[Identity, SecretData] = {}
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
                watch = Reflector(
                    self._reader,
                    _path(scope),
                    {"fieldSelector": UNRELATED},
                    _Scope(self, scope),
                    page=PAGE,
                )
                group.create_task(watch.run(), name=f"watch secrets {scope}")

    def replace(self, scope: str, found: dict[Identity, SecretData]) -> None:
        """Take in all that there is in a scope; the first time wakes all that wait for it."""
        gone = [it for it in self._known if it not in found and scope in ("", it[0])]
        first = scope not in self._synced
        self._synced.add(scope)
        for identity in gone:
            self.take(identity, None)
        for identity, data in found.items():
            self.take(identity, data)
        if first:
            self._wake_all(scope)

    def take(self, identity: Identity, data: SecretData | None) -> None:
        """Take in one Secret; None: it is gone.  Whoever follows it is woken where it differs."""
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


class _Scope:
    """The ``Sink`` of one namespace, or of all of them."""

    def __init__(self, watch: SecretWatch, scope: str) -> None:
        self._watch = watch
        self._scope = scope

    def view(self, metadata: Manifest) -> tuple[Identity, SecretData]:
        """See ``Sink.view``."""
        return (metadata["namespace"], metadata["name"]), describe(metadata)

    def replace(self, found: list[tuple[Identity, SecretData]]) -> None:
        """See ``Sink.replace``."""
        self._watch.replace(self._scope, dict(found))

    def change(self, verb: str, metadata: Manifest) -> None:
        """See ``Sink.change``."""
        identity, data = self.view(metadata)
        self._watch.take(identity, None if verb == "DELETED" else data)


def _path(scope: str) -> str:
    return f"/api/v1/namespaces/{scope}/secrets" if scope else "/api/v1/secrets"
