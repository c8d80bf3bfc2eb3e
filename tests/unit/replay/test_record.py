"""A recording that goes on while the API server does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spark_operator.commands import Known
from spark_operator.ports import ClusterError, Key
from tests.unit.core.cluster import MemoryCluster

if TYPE_CHECKING:
    from spark_operator.core.observe import Snapshot

KEY = Key("production", "spark")


class Flaky(MemoryCluster):
    """Answers as long as it is not away."""

    away = False

    async def read(self, key: Key) -> Snapshot | None:
        if self.away:
            raise ClusterError(f"{key}: no answer")
        return await super().read(key)


async def test_what_was_known_stands_in_for_an_answer_that_does_not_come() -> None:
    cluster = Flaky()
    known = Known(cluster, KEY)
    assert await known.look()
    before, cluster.away = known.snapshot, True
    assert await known.look()
    assert known.snapshot is before


async def test_a_resource_that_is_gone_is_gone() -> None:
    cluster = Flaky()
    known = Known(cluster, KEY)
    assert await known.look()
    cluster.resource = None
    assert not await known.look()
    await known.keep_looking()


async def test_without_a_first_answer_there_is_nothing_to_record() -> None:
    cluster = Flaky()
    cluster.away = True
    with pytest.raises(ClusterError):
        await Known(cluster, KEY).look()
