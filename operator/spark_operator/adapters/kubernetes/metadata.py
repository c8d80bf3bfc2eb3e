"""Objects without their contents: lists and watches of ``PartialObjectMetadata``.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

from spark_operator.adapters.kubernetes.responses import classify, drop, explained, explanation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp
    from kubernetes.aio.client import ApiClient

    from spark_operator.core.model.objects import Manifest

LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
WATCH: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
MAX_REFUSAL_BYTES: Final = 64 * 1024
WATCH_SECONDS: Final = 330.0
"""Longer than any watch is asked to last."""
SILENCE_SECONDS: Final = 120.0
"""A watch on which nothing comes for so long, not even a bookmark, is broken."""


class MetadataClient:
    """Asks for metadata and for nothing else: there is no other Accept header in here."""

    def __init__(self, client: ApiClient, *, request_seconds: float) -> None:
        """``request_seconds``: longest time of a list, and to the beginning of a watch."""
        self._client = client
        self._seconds = request_seconds

    async def metadata(self, path: str) -> Manifest:
        """One page of a list, without the objects' contents, by path and query.

        Raises:
            ClusterError: one of its subclasses, by what the API server answered.
        """
        with explained("GET", path):
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(path, LIST, self._seconds)
                found: Manifest = json.loads(await answer.read())
                return found

    async def metadata_events(self, path: str) -> AsyncIterator[Manifest]:
        """The events of a watch, without the objects' contents, until the server ends it.

        Raises:
            ClusterError: one of its subclasses, by what the API server answered; a watch that
                falls silent counts as broken.
        """
        with explained("GET", path):
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(path, WATCH, WATCH_SECONDS)
            try:
                while line := await asyncio.wait_for(answer.content.readline(), SILENCE_SECONDS):
                    yield json.loads(line)
            finally:
                drop(answer)

    async def _ask(self, path: str, accept: str, seconds: float) -> aiohttp.ClientResponse:
        verb, url, sent, payload, form = await self._client.param_serialize(
            "GET",
            path,
            header_params={"Accept": accept, "Content-Type": "application/json"},
            auth_settings=["BearerToken"],
        )
        answer = await self._client.call_api(
            verb, url, sent, payload, form, _request_timeout=seconds
        )
        found: aiohttp.ClientResponse = answer.response
        if found.status >= 400:
            try:
                words = explanation("GET", path, await found.content.read(MAX_REFUSAL_BYTES))
            finally:
                drop(found)
            raise classify(found.status, *words)
        return found
