"""The cluster with the operator in it, and a namespace for each module of tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from dev.cluster.choices import target
from dev.cluster.config import CLONE
from dev.cluster.machine.progress import Progress
from dev.demo import setup
from dev.images import ensure
from tests.e2e.once import once
from tests.e2e.services import Services, credentials
from tests.e2e.stage import Stage, spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.kubectl import Kubectl

IMAGES = (
    "operator",
    "dev",
    "services",
    "app:1.0.0",
    "app:2.0.0",
    "app:3.0.0-errors",
    "app:3.0.0-crashing",
    "app:3.0.0-late-errors",
    "app:2.0.0-migration",
    "app:2.0.0-migration-fails",
    "app:2.0.0-migration-hangs",
    "app:2.0.0-migration-slow",
    "app:3.0.0-migration-drops",
    "app:3.0.0-migration-errors",
    "app:4.0.0-migration-errors",
    "app:3.0.0-broken-export",
    "app:4.0.0-late-broken-export",
)
INSTALL = CLONE / "tests" / "e2e" / "install"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here needs the cluster, and shares one event loop."""
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(420))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kubectl() -> Kubectl:
    """A cluster that runs the operator."""
    found = target.resolve()
    with once("e2e") as first:
        if first:
            progress = Progress()
            await asyncio.to_thread(found.up, progress)
            await asyncio.to_thread(ensure, list(IMAGES), target=found, progress=progress)
            await setup.client(found).apply(credentials())
            await setup.install(setup.client(found), INSTALL)
    return setup.client(found)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(kubectl: Kubectl) -> Services:
    """What releases depend on, shared by all who need it."""
    found = Services(kubectl)
    with once("e2e-services") as first:
        if first:
            await found.start()
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(kubectl: Kubectl, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A namespace of the module's own, with a stable release and users who keep asking."""
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    opened = Stage(kubectl, f"e2e-{name}", spec())
    await kubectl.run(
        "delete", "namespace", opened.namespace, "--ignore-not-found", "--wait", seconds=120
    )
    await opened.open()
    await opened.apply(guard={"duration": "0s"})
    await opened.until("the first release", lambda s: s.phase == "Stable", seconds=120)
    await opened.users()
    yield opened
    await opened.close()
