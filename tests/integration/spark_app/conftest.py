"""The stand-in and the service, fresh for every test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from dev import services
from spark_app.storage.database import connect
from tests.integration.spark_app import harness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dev.services import Service


@pytest.fixture
async def providers() -> AsyncIterator[harness.Providers]:
    """Both providers, without faults."""
    async with harness.providers() as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    """A PostgreSQL of the module's own."""
    with services.postgres_server() as made:
        yield made


@pytest.fixture
async def url(server: Service) -> str:
    """A database of its own for each test."""
    engine = connect(server.url, pool=1)
    name = f"test_{os.urandom(4).hex()}"
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(sa.text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return server.url.removesuffix("postgres") + name


@pytest.fixture
async def spark(providers: harness.Providers) -> AsyncIterator[harness.Spark]:
    """The service with both providers and nothing else."""
    async with harness.spark(providers.url) as made:
        yield made
