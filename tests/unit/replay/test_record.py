"""A recording that goes on while the API server does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_operator.commands import latest
from spark_operator.ports import ClusterError, Key
from tests.unit.core.cluster import MemoryCluster

if TYPE_CHECKING:
    from spark_operator.core.observe import Snapshot

KEY = Key("production", "spark")


class Away(MemoryCluster):
    """Does not answer."""

    async def read(self, key: Key) -> Snapshot | None:
        raise ClusterError(f"{key}: no answer")


async def test_what_was_known_stands_in_for_an_answer_that_does_not_come() -> None:
    known = await latest(MemoryCluster(), KEY, None)
    assert known is not None
    assert await latest(Away(), KEY, known) is known


async def test_a_resource_that_is_gone_is_gone() -> None:
    known = await latest(MemoryCluster(), KEY, None)
    assert await latest(MemoryCluster(resource=None), KEY, known) is None


async def test_without_a_first_answer_there_is_nothing_to_record() -> None:
    with pytest.raises(ClusterError):
        await latest(Away(), KEY, None)
