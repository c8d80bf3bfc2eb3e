"""The watch of Secrets' metadata, where the API server misbehaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from spark_operator.adapters.kubernetes.secret_watch import SecretWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Ending:
    """Ends every watch at once, as a proxy that bears no long answers does."""

    def __init__(self) -> None:
        self.watches = 0

    async def metadata(self, path: str) -> dict[str, Any]:
        del path
        return {"items": [], "metadata": {"resourceVersion": "1"}}

    async def metadata_events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        del path
        self.watches += 1
        await asyncio.sleep(0)
        nothing: tuple[dict[str, Any], ...] = ()
        for event in nothing:
            yield event


async def test_a_watch_that_ends_at_once_is_not_asked_again_at_once() -> None:
    reader = Ending()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await SecretWatch(reader, lambda _: None, ()).run()
    assert reader.watches == 1
