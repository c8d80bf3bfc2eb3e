"""Follows the metadata of one kind of objects: a list in pages, then a watch, again and again.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ on chunked lists, bookmarks and
expired versions of a watch.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from spark_operator.ports.cluster import ClusterError, GoneError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from spark_operator.core.model.objects import Manifest

T = TypeVar("T")
PAGE: Final = 500
"""Objects in one answer to a list, where a reflector asks for no other number."""
SERVER_SECONDS: Final = 300
"""How long one watch lasts at most."""
FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 30.0

log = logging.getLogger(__name__)


class MetadataReader(Protocol):
    """Reads objects' metadata."""

    async def metadata(self, path: str) -> Manifest:
        """One page of a list."""

    def metadata_events(self, path: str) -> AsyncIterator[Manifest]:
        """Return the events of a watch until the server ends it."""


class Sink(Protocol[T]):
    """Takes in what a reflector sees."""

    def view(self, metadata: Manifest) -> T:
        """Return what of an object is kept until the list is whole: a page may be large."""

    def replace(self, found: list[T]) -> None:
        """Everything that there is now, each as ``view`` gave it."""

    def change(self, verb: str, metadata: Manifest) -> None:
        """One object was added, modified or deleted."""


class Reflector(Generic[T]):
    """Lists, watches, and lists anew when the version that was watched has expired.

    Args:
        reader: asks the API server.
        path: the collection, without a query.
        selection: selectors of the query.
        sink: takes in what is seen.
        again: seconds after which all is listed anew, should a change have been lost.
        page: objects in one answer to a list.
        watched: whether the kind is watched between two lists.
    """

    def __init__(
        self,
        reader: MetadataReader,
        path: str,
        selection: Mapping[str, str],
        sink: Sink[T],
        *,
        again: float = inf,
        page: int = PAGE,
        watched: bool = True,
    ) -> None:
        self._reader = reader
        self._path = path
        self._selection = dict(selection)
        self._sink = sink
        self._again = again
        self._page = page
        self._watched = watched

    async def run(self, version: str = "") -> None:
        """Follow until cancelled, whatever happens.

        Args:
            version: of a list that the sink has taken in already; empty: there is none.
        """
        delay = FIRST_DELAY
        while True:
            began = _now()
            try:
                version = version or await self._list()
                while (left := began + self._again - _now()) > 0:
                    version = await self._rest(version, left)
                    delay = FIRST_DELAY
                version = ""
                continue
            except GoneError:
                log.debug("%s is listed anew: the version that was watched has expired", self._path)
                version = ""
                # At once after a watch that lasted; lists one after the other would help nobody.
                wait = began + delay - _now()
            except ClusterError as error:
                log.warning("changes of %s are not noticed for now: %s", self._path, error)
                wait = delay
            except Exception:
                log.exception("the API server's answer about %s is not understood", self._path)
                version = ""
                wait = delay
            await asyncio.sleep(wait)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _list(self) -> str:
        found: list[T] = []
        query = {**self._selection, "limit": str(self._page)}
        while True:
            page = await self._reader.metadata(f"{self._path}?{urlencode(query)}")
            found += (self._sink.view(item["metadata"]) for item in page.get("items") or [])
            query["continue"] = page["metadata"].get("continue") or ""
            if not query["continue"]:
                break
        self._sink.replace(found)
        return str(page["metadata"]["resourceVersion"])

    async def _rest(self, version: str, left: float) -> str:
        """Take in changes for a while, ``left`` seconds at most: the last version seen."""
        if not self._watched:
            await asyncio.sleep(left)
            return version
        again = _now() + FIRST_DELAY
        version = await self._watch(version, left)
        # One that ends at once is as good as one that fails.
        await asyncio.sleep(again - _now())
        return version

    async def _watch(self, version: str, most: float) -> str:
        query = {
            **self._selection,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, round(min(SERVER_SECONDS, most)))),
        }
        async for event in self._reader.metadata_events(f"{self._path}?{urlencode(query)}"):
            verb, meta = event["type"], event["object"].get("metadata") or {}
            if verb == "ERROR":
                raise GoneError(str(event["object"].get("message", "the watch has ended")))
            version = str(meta["resourceVersion"])
            if verb != "BOOKMARK":
                self._sink.change(verb, meta)
        return version


def _now() -> float:
    return asyncio.get_running_loop().time()
