"""The stand-in and the service, fresh for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.app import harness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def providers() -> AsyncIterator[harness.Providers]:
    """Both providers, without faults."""
    async with harness.providers() as made:
        yield made


@pytest.fixture
async def spark(providers: harness.Providers) -> AsyncIterator[harness.Spark]:
    """The service with both providers and nothing else."""
    async with harness.spark(providers.url) as made:
        yield made
