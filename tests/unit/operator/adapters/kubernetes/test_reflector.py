"""A reflector where the API server misbehaves: no request follows another without end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.adapters.kubernetes.reflector import Reflector
from spark_operator.ports.cluster import GoneError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Expired:
    """Has forgotten every version by the time that somebody watches from it."""

    def __init__(self) -> None:
        self.lists = 0

    async def metadata(self, path: str) -> dict[str, Any]:
        del path
        self.lists += 1
        await asyncio.sleep(0)
        return {"items": [{"metadata": {"name": "a"}}], "metadata": {"resourceVersion": "1"}}

    async def metadata_events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        del path
        await asyncio.sleep(0)
        nothing: tuple[dict[str, Any], ...] = ()
        for event in nothing:
            yield event
        raise GoneError("too old resource version")


class Names:
    """Keeps the names that are listed."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def view(self, metadata: dict[str, Any]) -> str:
        return str(metadata["name"])

    def replace(self, found: list[str]) -> None:
        self.found = found

    def change(self, verb: str, metadata: dict[str, Any]) -> None:
        del verb, metadata


async def test_a_version_that_expires_at_once_is_not_listed_again_at_once() -> None:
    reader, names = Expired(), Names()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await Reflector(reader, "/api/v1/pods", {}, names).run()
    assert reader.lists == 1
    assert names.found == ["a"]
